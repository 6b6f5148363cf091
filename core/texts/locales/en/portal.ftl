portal-name = Sekisho
portal-wrong = Error: { $title }
portal-skip = Skip to the contents
portal-offline = No connection to the center at the moment; what is shown may be out of date.

# The live picture
portal-live-title = Live picture
portal-live-summary = { $sites ->
    [one] 1 site
   *[other] { $sites } sites
 }, { $lines ->
    [one] 1 line
   *[other] { $lines } lines
 } · as of { $at }
portal-live-attention = { $count ->
    [one] 1 site needs attention
   *[other] { $count } sites need attention
 }
portal-live-about = Sites with their zones and hosts, and the lines between them. The table below says the same in words.
portal-live-find = Find a site, a person or a service
portal-live-find-do = Find
portal-live-all = All sites
portal-live-nothing = Nothing fits “{ $what }”.
portal-live-lines = Lines
portal-live-no-lines = No line is open.
portal-live-more = { $count } more lines; find what you look for above.
portal-live-col-line = Line
portal-live-col-who = Who
portal-live-col-from = From
portal-live-col-to = To
portal-live-col-service = Service
portal-live-col-state = State
portal-live-col-until = Until
portal-live-cut = Cut
portal-live-cut-label = Cut line { $grant } of { $person }
portal-live-linked = gate linked
portal-live-away = gate away
portal-live-behind = not in force yet
portal-live-alarms = { $count ->
    [one] 1 alarm
   *[other] { $count } alarms
 }
portal-live-more-hosts = { $count ->
    [one] and 1 more host
   *[other] and { $count } more hosts
 }
portal-live-until = until { $at }
portal-live-many = { $count } lines
portal-live-band-attention = Needs attention
portal-live-band-idle = Without a line
portal-live-serves = { $count ->
    [one] 1 line in
   *[other] { $count } lines in
 }
portal-live-from-sites = { $count ->
    [one] from 1 site
   *[other] from { $count } sites
 }
portal-legend = Legend

# The console of a terminal
portal-back = Back to the console
portal-console-title = Console
portal-console-welcome = Nobody is signed in here
portal-console-terminal = This is the terminal { $terminal }.
portal-console-elsewhere = { $name } is signed in at this terminal, but not with this browser. Signing in here takes over.
portal-console-sign-in = Sign in with your card
portal-console-sign-in-hint = Put your card into the reader first. The browser may ask which certificate to use and for the PIN.
portal-console-sign-out = Sign out
portal-console-until = signed in until { $at }
portal-console-services = Services
portal-console-no-services = This site's whitelist names no service for this terminal.
portal-console-address = address: { $address }
portal-console-left = until { $at } · { $minutes ->
    [one] 1 minute left
   *[other] { $minutes } minutes left
 }
portal-console-waits = waits for an answer until { $at }
portal-console-approvals = Somebody asks for your agreement
portal-console-refused = Refused a moment ago
portal-state-after-sign-in = after sign-in
portal-state-closed = ready
portal-state-refused = not available
portal-state-waiting-approval = waiting for approval
portal-state-opening = opening
portal-state-open = open
portal-state-closing = closing
portal-act-open = Open
portal-act-ask = Ask to open
portal-act-close = Close
portal-act-extend = Extend
portal-act-accept = Agree
portal-act-refuse = Refuse
portal-act-on = { $act }: { $service }
portal-refusal-section = Section:
portal-refusal-do = To do:
portal-confirm-title = Sign in
portal-confirm-question = Do you want to sign in at this terminal?
portal-confirm-person = Person
portal-confirm-terminal = Terminal
portal-confirm-yes = Sign in
portal-confirm-no = Cancel
portal-confirm-hint = Confirm only if you have just pressed “Sign in with your card” at this terminal yourself.
portal-misuse-unknown = This attempt to sign in is over: it was used already, or took longer than two minutes.
portal-misuse-unknown-do = Go back to the console and sign in again.
portal-misuse-other-host = The card was shown at another computer than the console.
portal-misuse-other-host-do = Sign in at the terminal you sit at; if you did not ask for this, tell your administrator.
portal-misuse-other-browser = This attempt was begun in another browser.
portal-misuse-other-browser-do = Begin at the console in this browser; follow no link that somebody sent you.
portal-misuse-changed = The card or the terminal changed on the way.
portal-misuse-changed-do = Leave your card in the reader and sign in again.
portal-misuse-out-of-order = A step of the sign-in is missing.
portal-misuse-out-of-order-do = Go back to the console and sign in again.

portal-cut-title = Cut connections
portal-cut-more = more…
portal-cut-more-label = Cut more than line { $grant }
portal-cut-choose = What is to be cut?
portal-cut-nothing = This line does not stand any more.
portal-cut-line = Cut line { $which }
portal-cut-person = Cut everything of { $which }
portal-cut-device = Cut everything from or to { $which }
portal-cut-site = Cut everything with an end at { $which }
portal-cut-agreement = Cut everything under agreement { $which }
portal-cut-falls = { $lines ->
    [0] no line
    [one] one line
   *[other] { $lines } lines
}, { $sessions ->
    [0] no session
    [one] one session
   *[other] { $sessions } sessions
}
portal-cut-warning = This ends at once what is listed here. It opens again only for who signs in anew.
portal-cut-sessions = Sessions that end
portal-cut-do = Cut now
portal-cut-back = Back, cut nothing
