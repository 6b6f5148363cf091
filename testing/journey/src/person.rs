//! What a person does with a page, and how the page looks meanwhile.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use browser::Browser;
use serde_json::json;
use std::ops::{Deref, DerefMut};
use std::path::PathBuf;
use story::{Account, StageError};
use texts::{Arg, Lang, Texts};

use crate::hear;
use crate::house::said;

const DESK: (u32, u32) = (1280, 900);
const PHONE: (u32, u32) = (375, 812);

/// Where pictures of pages go; nowhere for who only checks.
pub type Pictures = Option<PathBuf>;

/// Somebody with a browser.
pub struct Person {
    browser: Browser,
    texts: Texts,
    pictures: Pictures,
}

impl Deref for Person {
    type Target = Browser;
    fn deref(&self) -> &Browser {
        &self.browser
    }
}

impl DerefMut for Person {
    fn deref_mut(&mut self) -> &mut Browser {
        &mut self.browser
    }
}

impl Person {
    /// Who reads a language.
    pub fn new(browser: Browser, lang: Lang, pictures: Pictures) -> Self {
        Self { browser, texts: Texts::new(lang), pictures }
    }

    /// What a page says in this person's language.
    pub fn words(&self, key: &str) -> String {
        self.texts.say(key, &[])
    }

    /// Waits until the page has this heading.
    pub fn reaches(&mut self, key: &str) -> Result<(), StageError> {
        let words = self.words(key);
        let heading = format!(
            "document.readyState === 'complete' && document.querySelector('h1')?.innerText === {}",
            json!(words)
        );
        Ok(self.browser.until(&heading, &format!("the page `{words}`"))?)
    }

    /// Does the page say this?
    pub fn says(&mut self, key: &str) -> Result<Result<(), String>, StageError> {
        let (words, page) = (self.words(key), self.browser.text()?);
        Ok(if page.contains(&words) { Ok(()) } else { Err(format!("not `{words}` but:\n{page}")) })
    }

    /// Looks at the page as it is: at a desk and on a telephone, light and dark; keeps pictures of it.
    pub fn look(&mut self, name: &str, account: &mut Account) -> Result<(), StageError> {
        let mut wrong = Vec::new();
        for (window, dark, of) in [(PHONE, true, "phone-dark"), (PHONE, false, "phone"), (DESK, false, "desk")] {
            self.browser.appear(window, dark)?;
            wrong.extend(self.browser.unsound()?.into_iter().map(|one| format!("{of}: {one}")));
            if let Some(folder) = &self.pictures {
                self.browser.screenshot(&folder.join(format!("{name}.{}.{of}.png", self.texts.lang())))?;
            }
        }
        let title = self.browser.eval("document.title")?.as_str().unwrap_or_default().to_owned();
        let title = title.split(" · ").next().unwrap_or_default().to_owned();
        let sound = if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n      ")) };
        account.check("journey-sound", &[("page", Arg::text(title))], sound);
        Ok(())
    }

    /// Types into a field, by its id.
    pub fn fill(&mut self, field: &str, text: &str) -> Result<(), StageError> {
        Ok(self.browser.write(&format!("#{field}"), text)?)
    }

    /// Ticks or chooses what a selector names.
    pub fn tick(&mut self, selector: &str) -> Result<(), StageError> {
        Ok(self.browser.press(selector)?)
    }

    /// Chooses from a list that opens.
    pub fn choose(&mut self, field: &str, value: &str) -> Result<(), StageError> {
        self.browser.until(&format!("!!document.getElementById({})", json!(field)), field)?;
        self.browser.eval(&format!("document.getElementById({}).value = {}", json!(field), json!(value)))?;
        Ok(())
    }

    /// Text of what a selector names.
    pub fn read(&mut self, selector: &str) -> Result<String, StageError> {
        self.browser.until(&format!("!!document.querySelector({})", json!(selector)), selector)?;
        let text = self.browser.eval(&format!("document.querySelector({}).innerText.trim()", json!(selector)))?;
        Ok(text.as_str().unwrap_or_default().to_owned())
    }

    /// Is there such a thing on the page?
    pub fn has(&mut self, selector: &str) -> Result<bool, StageError> {
        Ok(self.browser.eval(&format!("!!document.querySelector({})", json!(selector)))? == true)
    }

    /// Text of an address, with this person's session.
    pub fn fetch(&mut self, address: &str) -> Result<String, StageError> {
        let asked = format!("fetch({}).then(r => r.text())", json!(address));
        Ok(self.browser.eval(&asked)?.as_str().unwrap_or_default().to_owned())
    }

    /// Listens to the picture's letters.
    pub fn hears(&mut self) -> Result<String, StageError> {
        self.browser.until("!!document.querySelector('audio')", "the voice")?;
        let sound = self.browser.eval(
            "fetch(document.querySelector('audio').src).then(r => r.arrayBuffer()).then(b => { let s = ''; \
             const a = new Uint8Array(b); for (let i = 0; i < a.length; i += 8192) \
             s += String.fromCharCode(...a.subarray(i, i + 8192)); return btoa(s); })",
        )?;
        Ok(hear(&BASE64.decode(sound.as_str().unwrap_or_default()).map_err(said)?))
    }

    /// Who listens mishears now and then: there is another picture then.
    pub const TRIES: usize = 8;

    /// Does the page say that the letters were others?
    pub fn misheard(&mut self) -> Result<bool, StageError> {
        let words = self.words("page-answer-wrong");
        Ok(self.browser.text()?.contains(&words))
    }

    /// Presses a key that leads to another page.
    pub fn leave(&mut self, key: &str) -> Result<(), StageError> {
        self.browser.eval("window.before = true")?;
        self.browser.key(key)?;
        Ok(self.browser.until("!window.before && document.readyState === 'complete'", "the next page")?)
    }

    /// Listens and confirms until what was heard is right.
    pub fn passes(&mut self) -> Result<(), StageError> {
        for _ in 0..Self::TRIES {
            self.listen()?;
            self.browser.send("#confirm")?;
            if !self.misheard()? {
                break;
            }
        }
        Ok(())
    }

    /// Listens to them and types them.
    pub fn listen(&mut self) -> Result<(), StageError> {
        let letters = self.hears()?;
        self.fill("answer", &letters)
    }
}
