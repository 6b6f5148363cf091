# Registration of sites, equipment, services and agreements (G12).
registration-refused-name-taken = The id { $name } is another institution's in the network, or cannot be changed any more
registration-refused-name-taken-do = Choose another id; if it is your institution's, ask the operator of the center to link it
registration-refused-no-name = The institution has no id in the network yet
registration-refused-no-name-do = Give the institution its id first, at the top of the page of sites
registration-refused-not-in-network = The institution is not in the network yet
registration-refused-not-in-network-do = Propose a site and wait until the operator of the center has taken it in
registration-refused-site-taken = There is a site { $site } already, or one is proposed
registration-refused-site-taken-do = Choose another id for the site
registration-refused-no-part = There is no { $part }
registration-refused-no-part-do = Go back to the site and choose again
registration-refused-part-there = { $part } is there already
registration-refused-part-there-do = Choose another id, or take the present one away first
registration-refused-no-authority = This center issues no certificates
registration-refused-no-authority-do = Ask the operator of the center from where the certificate comes
registration-refused-agreement-taken = An agreement { $agreement } is known already
registration-refused-agreement-taken-do = Choose another number, or open the agreement that is known
registration-refused-not-your-turn = This is for the other institution to do
registration-refused-not-your-turn-do = Wait for the other institution, or ask it
registration-refused-not-this-agreement = This is no signature under agreement { $agreement } as it is proposed
registration-refused-not-this-agreement-do = Download the agreement again, sign exactly that, and send what the tool wrote
registration-refused-taken = { $what ->
    [prefix] A prefix of it overlaps one of another institution in the network
    [dpid] Its datapath id is that of another institution's switch
    [line-address] Its line address is that of another institution's line
    [ike-identity] The name of its gateway is that of another institution's
   *[other] Another institution's site does not go together with it
}
registration-refused-taken-do = { $what ->
    [prefix] Choose another prefix; the operator of the center can say which are free
    [dpid] Look the datapath id up on the switch; if it is right, ask the operator of the center
    [line-address] Look the address of the line up; if it is right, ask the operator of the center
   *[other] Ask the operator of the center, who sees both
}
registration-refused-too-many-wait = { $most } proposals of the institution wait already
registration-refused-too-many-wait-do = Wait until some are decided, or withdraw those that are not needed
registration-refused-sheet-would-end = With these answers the checksheet of { $site } no longer passes (items { $items }): nothing is saved yet
registration-refused-sheet-would-end-do = Look at these answers. If they are so, save them by the second button below: lines between { $site } and other institutions end then, and none opens until the sheet passes again

registration-stand-proposed = Waits for the operator
registration-stand-registered = Registered
registration-stand-rejected = Rejected
registration-stand-withdrawn = Withdrawn
registration-stage-registered = Registered
registration-stage-gate-enrolled = Gate enrolled
registration-stage-ready = Ready to open
registration-model-large = Large: medical institutions of several legal entities; High Secure, Secure and DMZ
registration-model-small = Small: uses services; High Secure and Secure
registration-model-service-provider = Service provider: offers services; High Secure and DMZ
registration-line-leased = Leased line
registration-line-isdn = ISDN
registration-line-closed-ip = Closed IP network
registration-line-wide-ethernet = Wide-area Ethernet
registration-line-ip-vpn = IP-VPN
registration-line-internet = Internet
registration-step-enroll = The gate has its certificate
registration-step-enroll-do = Make a one-time token below and run the command shown on the gate.
registration-step-link = The gate is connected to the center
registration-step-link-do = Start the gate (sekisho-gate run). If it does not connect, look at its line and at the revocation lists.
registration-step-hosts = Hosts are registered
registration-step-hosts-do = Register the terminals and servers of the site.
registration-step-use = A use is foreseen
registration-step-use-do = A site that uses services needs a whitelist line; a site that offers one needs the service, and another site's whitelist line for it.
registration-step-devices = The terminals foreseen have device certificates
registration-step-devices-do = Make a code for each terminal and fetch the certificate there.
registration-step-agree = Nothing else is in the way
registration-step-agree-do = Below stands what each line lacks, in whose section it lies, and what to do. Mostly it is the agreement, which both institutions sign.

# Pages
page-no-registration = Sites are not registered here.
page-no-registration-do = Ask the operator of the center.
page-choose = Choose
page-sites-title = Sites
page-sites-institution = Institution
page-sites-stand = State
page-sites-confirmed = Confirmed by the operator
page-sites-unconfirmed = Spoken for; confirmed with the first site the operator takes in
page-sites-unconfirmed-operator = This institution has no confirmed id yet. Registering the site confirms it: make sure that the id is really this institution's.
page-sites-no-name = The institution has no id in the network yet. Give it one first.
page-sites-name = The institution's id in the network
page-sites-link = Link an institution of the directory to the network
page-sites-name-do = Register the id
page-sites-number = Number of the institution in the directory
page-sites-registered = Registered sites
page-sites-none = No site is registered.
page-sites-waiting = Proposals that wait
page-sites-none-waiting = Nothing waits.
page-sites-decided = Decided proposals
page-sites-new = Propose a new site
page-sites-new-lead = A site is made from its model: its zones and segments follow from it. The proposal is tried against everything that is registered before the operator gets it.
page-sites-zones = Prefixes of the zones the site has, e.g. 10.20.30.0/24. Leave the others empty; a small site has no DMZ, a service provider no Secure zone.
page-sites-propose = Propose
page-sites-back = Back to the sites
page-sites-register = Register
page-sites-reject = Reject
page-sites-withdraw = Withdraw
page-sites-proposed = Proposed
page-sites-document = The document it becomes
page-sites-col-site = Site
page-sites-col-institution = Institution
page-sites-col-stand = State
page-sites-col-next = Next
page-site-title = Site
page-site-steps = Until it is ready
page-site-open = open
page-site-done = done
page-site-gate = Gate
page-site-gate-lead = A token lets one machine become the gate of this site, once. Whoever has it can do so: hand it over like a password.
page-site-gate-do = Make a one-time token
page-site-lines = Lines that are foreseen
page-site-no-lines = None is foreseen yet.
page-site-line-ready = could open now
page-once-title = Note this now
page-once = It is shown here only, works once, and ends { $until }.
page-once-command = Run this there
page-once-code = The code alone

# What belongs to a site
page-site-hosts = Hosts
page-site-no-hosts = No host is registered.
page-site-certified = has its certificate
page-site-terminal = terminal, no certificate yet
page-site-device-code = Code for its certificate
page-site-add-host = Register a host
page-site-is-terminal = People open connections from it (terminal)
page-site-add = Register
page-site-remove = Remove
page-site-remove-sure = Live connections that need it end. Really remove { $what }?
page-site-remove-label = Remove { $what }
page-site-services = Services offered here
page-site-no-services = No service is offered here.
page-site-add-service = Register a service
page-site-whitelist = Whitelist
page-site-no-whitelist = No line: nobody here may use anything elsewhere.
page-site-add-line = Add a line: which qualifications may use which service from which terminals

# Agreements
page-agreements-title = Agreements
page-agreements-none = There is no agreement.
page-agreements-propose = Propose an agreement
page-agreements-propose-do = Propose
page-agreements-consumer-hint = Leave the institution that uses the service empty if it is your own.
page-agreements-key = Signing key
page-agreements-key-lead = Agreements are signed with a certificate of the institution. Its key is made on your machine and stays there.
page-agreements-key-do = Make a code for the certificate
page-agreement-title = Agreement
page-agreement-proposed = Nobody has signed
page-agreement-half = One has signed
page-agreement-complete = In force once its time has come: both have signed
page-agreement-provider = Institution that offers it
page-agreement-has-signed = has signed
page-agreement-sign = Sign
page-agreement-sign-1 = Download the agreement, or the bytes to be signed.
page-agreement-sign-2 = Sign them on the machine that holds the institution's key.
page-agreement-sign-3 = Bring what the tool wrote, or certificate and signature by themselves.
page-agreement-document = The agreement
page-agreement-bytes = The bytes to be signed
page-agreement-signed = What “sekisho agreement sign” wrote
page-agreement-or = Or, if another tool or a card signed the bytes:
page-agreement-certificate = Certificate of the institution with its chain (PEM)
page-agreement-value = Signature (ECDSA P-256 with SHA-256, DER, Base64)
page-agreement-sign-do = Bring the signature
page-once-token = The token it asks for
