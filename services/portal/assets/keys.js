// Asks a security key (W3C Web Authentication) and puts its answer into the form, which goes the way of every form.
// Without this, the form is not shown, and a code does instead.
"use strict";
(() => {
  const form = document.querySelector("form[data-key]");
  if (!form) return;
  const said = form.querySelector("[role=status]"), button = form.querySelector("button");
  form.hidden = false;
  if (!window.PublicKeyCredential) {
    said.textContent = form.dataset.unable;
    button.disabled = true;
    return;
  }
  const octets = (text) =>
    Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  const asked = JSON.parse(form.dataset.asked);
  asked.challenge = octets(asked.challenge);
  if (asked.user) asked.user.id = octets(asked.user.id);
  for (const one of asked.excludeCredentials || asked.allowCredentials) one.id = octets(one.id);
  const fill = (name, buffer) => { form.elements[name].value = buffer ? text(buffer) : ""; };
  const ask = {
    create: async () => {
      const { response } = await navigator.credentials.create({ publicKey: asked });
      fill("client-data", response.clientDataJSON);
      fill("attestation", response.attestationObject);
    },
    get: async () => {
      const { rawId, response } = await navigator.credentials.get({ publicKey: asked });
      fill("id", rawId);
      fill("client-data", response.clientDataJSON);
      fill("authenticator-data", response.authenticatorData);
      fill("signature", response.signature);
      fill("owner", response.userHandle);
    },
  }[form.dataset.key];
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    said.textContent = form.dataset.touch;
    try {
      await ask();
    } catch (error) {
      said.textContent = error.name === "InvalidStateError" ? form.dataset.known : form.dataset.failed;
      button.disabled = false;
      return;
    }
    form.submit();
  });
})();
