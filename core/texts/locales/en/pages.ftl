# Pages of joining: applicant, institution, operator.
page-service = Medical Institution Online Connection Service
page-must = required
page-faults = Please check what you entered
page-next-confirm = Continue to confirmation
page-back-to-form = Back to the form
page-close-hint = You can close this page.
page-operator = Operator
page-to-menu = Menu
page-to-notices = Notices
page-to-start = Back to the first page
page-nav = Within the service
page-steps = The way to use
page-not-found = There is no such page
page-not-found-do = Check the address, or start again from the first page.
page-refused-title = This was not accepted
page-too-often = Too much was asked in a short time, so nothing is accepted for a while.
page-too-often-do = Wait about { $seconds } seconds and try again. What you typed is still there when you go back in your browser.
page-too-long = What was sent is too long.
page-too-long-do = Shorten what you entered and send it again.
page-old-form = This page is too old, or was sent already.
page-old-form-do = Go back to the form and send it again.

# Steps
page-step-mail = Provisional application
page-step-full = Full application
page-step-call = Telephone call
page-step-password = Initial password
page-step-vpn = VPN
page-step-service = Application for a service
page-step-certificate = Service certificate

# The way to use
page-start-title = How to get ready
page-start-lead = These are the steps until you can use the service. You need a computer and a mail address of your institution (not one of a mobile carrier).
page-start-mail = Give your mail address. A link for the full application comes by mail.
page-start-full = Open the link and enter the institution and the applicant.
page-start-call = Within a few days, ten at most, we call the institution's main number.
page-start-password = Once approved, user ID and VPN-ID come by mail and the initial password by telephone. Change it at once.
page-start-vpn = Note the VPN password, set up the connection profile on your terminal and connect.
page-start-service = Log in through the VPN and apply for the service you need.
page-start-certificate = Once the service is approved, have a service certificate issued to the terminal. Then you can use the service.
page-start-preflight = Whether your terminal and line are fit can be checked before you begin.
page-start-begin = Begin
page-start-again = You were told of your approval: change the initial password

# Mail address
page-mail-title = Mail address
page-mail-lead = The address you enter here becomes the mail address of the full application.
page-mail-confirm-title = Confirm the mail address
page-mail-confirm-lead = The link for the full application will be sent to this address. Please make sure that it is right.
page-mail-send = Send
page-mail-sent-title = Mail sent
page-mail-sent-lead = A mail with this subject was sent to the address you entered.
page-mail-sent-subject = [Medical Institution Online Connection Service] Your application link
page-mail-sent-do = Continue with the link in the mail. If it has not come after 30 minutes, apply provisionally again.
page-hint-mail = An address of your institution. Addresses of mobile carriers (docomo.ne.jp, softbank.ne.jp, ezweb.ne.jp …) cannot be used.
page-hint-mail-again = Enter the same address once more.

# Picture
page-challenge = Letters in the picture
page-challenge-hint = Enter the 6 characters of the picture (small letters and digits). If they are hard to read, load another picture, or listen to them.
page-challenge-alt = A distorted picture of 6 small letters and digits. Play the voice if you cannot read it.
page-challenge-voice = The letters, spoken in English
page-challenge-again = Another picture
page-answer = What the picture shows
page-answer-empty = Enter the letters of the picture.
page-answer-wrong = These are not the letters. Enter those of the new picture.
page-answer-gone = The picture has expired. Enter the letters of the new one.

# Full application
page-full-title = Application
page-full-institution = Medical institution
page-full-institution-lead = Choose the prefecture, search by name and choose from the list. A part of the name is enough; width, case and kana make no difference.
page-full-choose = Please choose
page-full-search = Name of the institution
page-full-search-do = Search
page-full-found = Found: { $count }
page-full-found-part = Found: { $count } (the first { $shown } are shown; enter more of the name to narrow it down)
page-full-chosen = Chosen institution
page-full-none = Not in the list
page-full-none-hint = Choose this if it is not listed, and enter its official name below. We ask the office of the prefecture.
page-full-none-name = Name of the institution that is not listed
page-full-applicant = The applicant
page-full-applicant-lead = We call the applicant within a few days, ten at most. Enter how you can surely be reached. The applicant becomes the reporting manager of the institution.
page-hint-head = The head (director) of the institution
page-hint-head-kana = Full-width katakana; family name, blank, given name
page-hint-applicant-kana = Full-width katakana; family name, blank, given name
page-hint-department = Enter “none” if there is none.
page-hint-post = Enter “none” if there is none.
page-hint-phone = Main number of the institution with its area code, as in 03-1234-5678
page-hint-extension = Extension where the applicant can surely be reached. Enter 0 if there is none.
page-full-terms = Terms of use
page-terms-1 = Terminals connect over optical fibre by IPsec VPN (IKEv2). ISDN, ADSL, mobile lines, cable television, public wireless LANs, leased lines and closed networks (IP-VPN) cannot be used.
page-terms-2 = While the VPN is connected, ordinary Internet sites cannot be reached.
page-terms-3 = Conflicting software can make a terminal unable to connect. Please check before.
page-terms-4 = Allow TCP 443, UDP 500, UDP 4500 and ESP (IP protocol 50) in the equipment of your institution.
page-terms-5 = Do not hand user ID, passwords, VPN password or certificates to others.
page-terms-6 = What you enter is used only to verify and contact the institution, and is not passed on except where law demands it.
page-full-consent = I agree to the terms of use
page-full-confirm-title = Confirm the application
page-full-confirm-lead = Please make sure that everything is right.
page-full-back-hint = Going back clears the letters of the picture and your consent.
page-full-send = Apply
page-full-sent-title = Application received
page-full-sent-lead = Your application was received. A mail with this subject will come.
page-full-sent-subject = [Medical Institution Online Connection Service] Your application was received
page-full-sent-do = We call the applicant within a few days, ten at most. If nobody has called after two weeks, write to the address in the mail.

# First sign-in
page-first-title = Sign in to set up the VPN
page-first-lead = Enter the user ID (8 digits) from the mail and the initial password (6 digits) you were told by telephone.
page-user = User ID
page-hint-user = 8 digits
page-password = Password
page-first-do = Sign in
page-change-title = Change the initial password
page-change-lead = Choose a new password. It must meet all of these.
page-change-old = Present password
page-change-do = Change password
page-rule-length = At least { $min } characters
page-rule-kinds = Letters, digits and symbols ({ $symbols }), all three
page-rule-guessable = Nothing easily guessed (common words, the user ID)
page-changed = The password was changed.

# VPN
page-vpn-title = Set up the VPN
page-vpn-id = VPN-ID
page-vpn-password = VPN password
page-vpn-show = Show the VPN password
page-vpn-show-lead = The VPN password can be shown only once, on this page. Be ready to note it before you press.
page-vpn-once = The VPN password cannot be seen again once this page is closed. Note it with the VPN-ID and keep it where nobody else sees it.
page-vpn-gone = The VPN password was shown already. If your note is lost, ask the operator for a new one.
page-vpn-profiles = Connection profiles and manuals
page-vpn-profiles-lead = Choose those of your terminal and follow the manual.
page-vpn-profile = Profile
page-vpn-manual = Manual
page-vpn-then = Once the VPN is connected, log in at this address. It cannot be reached otherwise.
page-vpn-back = Back to the VPN settings
page-vpn-none = There are no connection profiles yet.

# Inside
page-login-title = Log in
page-login-lead = Enter your user ID and password.
page-login-do = Log in
page-login-outside = This page can only be used through the VPN.
page-code-title = Confirmation code
page-code-lead = Enter the 6 digits your authenticator shows. Without the authenticator, enter a recovery code.
page-code = Confirmation code
page-code-do = Confirm
page-notices-title = Notices
page-notices-none = There are no notices.
page-menu-title = Menu
page-menu-apply = Apply for a service
page-menu-apply-about = Apply for services and see how your applications stand.
page-menu-certificate = Install the service certificate
page-menu-certificate-about = How to have a certificate issued to this terminal.
page-menu-staff = Staff of the institution
page-menu-staff-about = See staff who report; add and remove them (reporting manager only).
page-menu-password = Change the password
page-menu-password-about = The password you log in with.
page-menu-factor = Two-step sign-in
page-menu-factor-about = Adds a code from an authenticator to every log-in.
page-factor-lead = With two-step sign-in, every log-in also asks for a code from an authenticator app. Enter your present password to begin.
page-factor-begin = Set up an authenticator
page-factor-once = Read the code with the authenticator app now. The secret is shown only on this page.
page-factor-picture = QR code with the secret for an authenticator app; the same secret stands below as text.
page-factor-open = Open in an authenticator on this machine
page-factor-secret = Secret, to be typed into the app
page-factor-confirm = Confirm and turn on
page-factor-again = Enter the code the app shows now. If the app has no entry for this account, begin again.
page-factor-done = Two-step sign-in is on.
page-factor-on = Two-step sign-in is on: every log-in asks for a code.
page-factor-recovery = Recovery codes
page-factor-recovery-lead = Each of these codes stands in for the app once. They are shown only now: print or write them down and keep them apart from the terminal.
page-factor-left = Unused recovery codes: { $left }
page-factor-remove-lead = To use another app or phone, remove two-step sign-in and set it up anew. Enter your present password.
page-factor-remove = Remove two-step sign-in
page-factor-removed = Two-step sign-in was removed. A log-in asks for the password only.
page-menu-submissions = Submissions
page-menu-submissions-about = Files submitted, and their receipts.
page-menu-service = { $name }
page-menu-service-about = You may use it. Open it from a terminal with a service certificate.
page-logout = Log out
page-logged-out-title = Logged out
page-logged-out = You have logged out. Disconnect the VPN too.
page-log-in-again = Log in again

# Application for a service
page-apply-title = Application for a service
page-apply-lead = Mark the service you want to use.
page-apply-none-left = There is no other service to apply for.
page-apply-stands = Your applications
page-apply-confirm-title = Confirm the application
page-apply-confirm-lead = You apply for the use of this service.
page-apply-send = Apply
page-apply-sent-title = Application received
page-apply-sent = Your application was received. Approval or cancellation comes by mail within a few days, ten at most.
page-apply-cancel = Cancel the application
page-apply-at = Applied { $at }

# Certificate
page-certificate-title = Install the service certificate
page-certificate-lead = The certificate is issued for a key made inside the terminal. The key never leaves it.
page-certificate-1 = The button below shows an enrolment code. It is good once, for 30 minutes.
page-certificate-2 = Run the command on the terminal and enter the code when asked.
page-certificate-3 = Once issued, the service can be opened from the menu.
page-certificate-code-do = Show an enrolment code
page-certificate-code = Enrolment code
page-certificate-once = This code cannot be seen again once this page is closed.
page-certificate-command = The command to run on the terminal

# Staff
page-staff-title = Staff of the institution
page-staff-lead = The reporting manager can add and remove staff who report.
page-staff-add = Add staff
page-staff-add-do = Add
page-staff-remove = Remove
page-staff-remove-label = Remove { $name }
page-staff-manager = Reporting manager
page-staff-member = Staff
page-staff-added-title = Staff added
page-staff-added = The initial password can be seen on this page only. Tell it to the person yourself. User ID and VPN-ID come to them by mail.
page-initial-password = Initial password

# Review
page-review-title = Review of applications
page-review-open = Waiting for review
page-review-none = No application is waiting.
page-review-services = Applications for services
page-review-services-none = No application for a service is waiting.
page-review-col-institution = Institution
page-review-col-applicant = Applicant
page-review-col-received = Received
page-review-col-due = Due
page-review-col-stand = State
page-review-col-service = Service
page-review-alarm = { $count ->
    [one] One application is older than two weeks. Call the institution now.
   *[other] { $count } applications are older than two weeks. Call the institutions now.
  }
page-review-one-title = The application
page-review-calls = Calls
page-review-calls-none = Nobody has called yet.
page-review-call-add = Record a call
page-review-call-phone = Number dialled
page-review-call-phone-hint = Dial a published number, not one of the application.
page-review-call-outcome = Outcome
page-review-call-note = Note
page-review-call-do = Record
page-review-settle = Settle the institution
page-review-settle-do = It is this one
page-review-approve = Approve
page-review-approve-lead = User ID and VPN-ID are mailed on approval. The initial password is shown once, on the next page: tell it by telephone.
page-review-approve-do = Approve
page-review-reject = Reject
page-review-reject-do = Reject
page-review-reason = Reason (stands in the mail)
page-review-second = { $by } has approved. A second person has to approve too.
page-review-waits = Your approval is recorded. Another operator has to approve too.
page-review-approved-title = Approved
page-review-approved = The initial password can be seen on this page only. Tell it to the applicant by telephone. Never write it in a mail.
page-review-rejected-title = Rejected
page-review-rejected = A mail with the reason is sent.
page-review-back = Back to the list
page-review-cancel-do = Cancel
page-review-live = Live picture
page-review-accounts = Users
page-review-reset = New initial password
page-review-reset-lead = Make sure by telephone that it is the person, then enter the user ID. A lock is lifted too.
page-review-reset-do = Issue
page-review-reset-title = Issued anew
page-review-notice = Publish a notice
page-review-notice-do = Publish
page-review-notice-done = The notice is published.

# Entrance of services
page-entrance-title = Check of the service certificate

page-link-gone = This link cannot be used.
page-link-gone-do = It was used, or has expired. Please apply provisionally again.
page-sign-in-first = You are not logged in, or were logged out after some time.
page-sign-in-first-do = Please log in again.
page-not-yours = You may not do this.
page-not-yours-do = Ask the reporting manager of your institution, or the operator.
page-login-initial = The initial password has not been changed yet.
page-login-initial-do = Disconnect the VPN and change it at { $url }.
page-apply-none-yet = You have not applied yet.
page-review-decided = Decided lately
page-review-until = The initial password ends
page-review-notice-title-ja = Headline (Japanese)
page-review-notice-title-en = Headline (English)
page-review-notice-body-ja = Text (Japanese)
page-review-notice-body-en = Text (English)
page-problem-too-often = Too many requests in a short time.
page-problem-sign-in = Authentication is needed.
page-problem-forbidden = You may not do this.
page-staff-remove-sure = { $name } will no longer be able to log in or to connect to the VPN. This cannot be undone.
page-apply-cancel-sure = Your application for “{ $service }” will be cancelled. To use it you would have to apply again.
page-apply-cancel-do = Cancel it
page-review-call-note-hint = Who answered (office and name), and whatever else lets others check it later.
page-review-reject-lead = The reason is sent to the applicant by mail.
page-review-col-decide = Decide

# Preflight (R1)
page-preflight-title = Check your terminal and line
page-preflight-lead = Find out whether your terminal and line can be used. Nothing you enter is kept.
page-preflight-line = Line to the Internet
page-preflight-line-hint = A terminal cannot tell, so please choose. If you do not know, ask the company you have the line from.
page-preflight-line-unknown = Please choose
page-preflight-line-fiber = Optical fibre
page-preflight-line-isdn = ISDN
page-preflight-line-adsl = ADSL
page-preflight-line-mobile = Mobile telephony
page-preflight-line-catv = Cable television
page-preflight-line-public-wifi = Public wireless LAN
page-preflight-line-leased = Leased line
page-preflight-line-ip-vpn = Closed network (IP-VPN)
page-preflight-facts = What the terminal tells
page-preflight-facts-hint = Run this command on the terminal you will report from, and paste everything it prints. Left empty, only the line is checked.
page-preflight-do = Check
page-preflight-empty = Choose the kind of line, or paste what the terminal tells.
page-preflight-unread = This cannot be read. Paste all that the command prints, from the first “{"{"}” to the last “{"}"}”.
page-preflight-ports = What your equipment must let pass
page-preflight-ports-lead = Allow this between the terminal and the center in routers, firewalls and the like.
page-preflight-col-protocol = Protocol
page-preflight-col-direction = Direction
page-preflight-col-port = Port at the center
page-preflight-col-use = For
page-preflight-out = from the terminal
page-preflight-both = both ways
page-preflight-for-tcp = Preparing IPsec (IKEv2)
page-preflight-for-ike = Exchange of keys (ISAKMP)
page-preflight-for-natt = IPsec through address translation
page-preflight-for-esp = Encrypted traffic (IP protocol 50)
page-fault-of = { $field }: { $fault }
page-review-listed = Code and address
