### The three checksheets (core/checksheet; guideline 6.1), in our own words. What stands in "found" rests on what the product proves of every change.

checksheet-sheet-large = Checksheet for large institutions
checksheet-sheet-small = Checksheet for small institutions
checksheet-sheet-service-provider = Checksheet for service providers
checksheet-edition-heasnet-2007 = Secure network guideline, HEASNET 2007, section 6.1

checksheet-chapter-1 = Form of communication
checksheet-chapter-2 = Communication policy
checksheet-chapter-3 = Security inside the site
checksheet-chapter-4 = Services in operation

checksheet-group-peers = The other side
checksheet-group-relay = The line
checksheet-group-open-network = Between sites, over an open network
checksheet-group-other-sites = Connections with other sites
checksheet-group-placement = Where hosts stand
checksheet-group-from-outside = Threats from outside
checksheet-group-high-secure = The High Secure Zone
checksheet-group-secure = The Secure Zone
checksheet-group-dmz = The DMZ
checksheet-group-high-secure-and-secure = Between High Secure Zone and Secure Zone
checksheet-group-high-secure-and-dmz = Between High Secure Zone and DMZ
checksheet-group-dmz-and-secure = Between DMZ and Secure Zone
checksheet-group-updates = Updates
checksheet-group-offering = Offering information
checksheet-group-using = Using information of others
checksheet-group-backup = Keeping data elsewhere
checksheet-group-mail = Mail
checksheet-group-maintenance = Remote maintenance
checksheet-group-internet = The Internet

checksheet-item-peer-large = A large institution of another legal entity that this site connects with meets its own checksheet
checksheet-item-peer-provider = A service provider that this site connects with meets its own checksheet
checksheet-item-peer-small = A small institution of another legal entity that this site connects with meets its own checksheet
checksheet-item-shared-line = The line, or a hop behind it, is shared with others
checksheet-item-no-relay = Nothing is carried on from one other institution to another
checksheet-item-ike-authenticates = IKE authenticates who is at the other end
checksheet-item-ike-public-keys = It does so by public keys, or by shared keys that are distributed automatically
checksheet-item-session-keys = Each session gets a key of its own, automatically
checksheet-item-encryption = IPsec encrypts the traffic
checksheet-item-integrity = IPsec authenticates every packet
checksheet-item-agreed = There is an agreement with each site that this one communicates with
checksheet-item-destinations-limited = What may be reached at other sites is limited by address and port
checksheet-item-origins-limited = From where other sites may reach this one is limited by address and port
checksheet-item-logged = Connections, from where and to where, are logged and watched
checksheet-item-records-in-high-secure = Hosts that process and keep records, test results and other important data stand in the High Secure Zone
checksheet-item-terminals-in-secure = Terminals for daily work and those for the Internet stand in the Secure Zone
checksheet-item-published-in-dmz = What is published or offered to others stands in the DMZ
checksheet-item-company-network-apart = The provider's own office network is separate from the one that services run on
checksheet-item-outside-kept-out = Nothing outside begins a connection into the High Secure Zone or the Secure Zone
checksheet-item-high-secure-kept-out = Nothing outside begins a connection into the High Secure Zone
checksheet-item-attacks-detected = Attacks from outside (denial of service, malformed packets) are detected
checksheet-item-agreed-only = Only traffic that was agreed with the other site passes
checksheet-item-high-secure-originates-nothing = The High Secure Zone begins no direct connection to other zones
checksheet-item-high-secure-no-internet = The High Secure Zone has no way to the Internet
checksheet-item-virus-high-secure = Hosts of the High Secure Zone are checked for viruses
checksheet-item-secure-not-from-elsewhere = DMZ and High Secure Zone do not reach the Secure Zone directly
checksheet-item-sites-limited = Over HTTP only Internet sites that work needs can be reached
checksheet-item-virus-secure = Hosts of the Secure Zone are checked for viruses
checksheet-item-dmz-reaches-no-inner-zone = The DMZ reaches no inner zone directly
checksheet-item-virus-dmz = Hosts of the DMZ are checked for viruses
checksheet-item-secure-through-proxy = Connections begin in the Secure Zone and go through a proxy
checksheet-item-dmz-through-proxy = Connections begin in the DMZ and go through a proxy
checksheet-item-secure-to-dmz-through-proxy = Connections begin in the Secure Zone and go through a proxy
checksheet-item-proxy-logs = The proxy logs who connected where and when, and somebody watches it
checksheet-item-secure-limited = Connections from the Secure Zone are limited by address and port
checksheet-item-dmz-limited = Connections from the DMZ are limited by address and port
checksheet-item-updates = Security updates reach every host that needs them, also those without a way to the Internet
checksheet-item-service-ends-limited = Services for institutions: who may connect, and to what, is limited
checksheet-item-service-encrypted = Services for institutions: the way is encrypted
checksheet-item-service-logged = Services for institutions: the server logs and watches access
checksheet-item-patients-authenticated = Services for patients: users are authenticated
checksheet-item-records-behind-proxy = Information of the High Secure Zone is offered only from behind a proxy that outsiders cannot pass
checksheet-item-use-limited = Hosts that use the services of other institutions are limited
checksheet-item-received-in-high-secure = What is received from them is kept in the High Secure Zone
checksheet-item-backup-originates-nothing = Who keeps backups begins no connection to this site
checksheet-item-backup-from-high-secure = Hosts that use the backup service stand in the High Secure Zone
checksheet-item-mail-screened = Mail is screened
checksheet-item-mail-not-relayed = Mail of strangers to strangers is not passed on
checksheet-item-maintenance-only = Medical equipment is reached from outside for remote maintenance only

checksheet-found-shared-line = A line is shared with others: { $what }
checksheet-found-own-line = No line is shared with others: { $what }. Encryption is on all the same
checksheet-found-no-relay = No wish to relay stands in the document, and no change that would relay between legal entities is installed (I08)
checksheet-found-ike-authenticates = IKEv2 with certificates at both ends; without one no tunnel stands (RFC 7296)
checksheet-found-ike-public-keys = Public keys: a certificate of each gate, checked for revocation; shared keys are not configured
checksheet-found-session-keys = Ephemeral key agreement for every tunnel, renewed while it stands, destroyed with it
checksheet-found-encryption = ESP in tunnel mode, AES-GCM (the crypto profile lists it)
checksheet-found-integrity = AES-GCM authenticates every packet and refuses replays
checksheet-found-agreed = No path is planned without an agreement that both institutions signed (D030 to D039, I09, I12)
checksheet-found-destinations-limited = Every path names one host, its protocol and ports at the other end (I13, I15)
checksheet-found-origins-limited = Every path names the host it begins at, and only that side begins (I10, I15)
checksheet-found-logged = The gates record beginning and end of every connection with both ends, in a chained log
checksheet-found-outside-kept-out = The zone matrix lets tunnels reach the DMZ only; every change is proved to keep it (I07)
checksheet-found-agreed-only = A packet passes only under a live permit, and every permit rests on an agreement (I05, I09)
checksheet-found-zones = No in-house rule leads there against the zone matrix, and none that would is installed (I07)
checksheet-broken-zones = In-house rules lead there: { $what }
checksheet-found-no-internet = What leaves the house leaves through a tunnel to an agreed host, from every zone (I19)
checksheet-found-limited-between = Every in-house rule between the two names hosts, protocol and ports
checksheet-found-service-ends-limited = Each service names host, ports, qualifications; each use names its terminals: { $what }
checksheet-found-service-encrypted = Reached through IPsec tunnels only: { $what }
checksheet-found-use-limited = The whitelist names the hosts: { $what }
checksheet-broken-no-relay = Wishes to relay for another legal entity: { $what }
checksheet-found-backup-originates-nothing = No agreement lets the keeper of the backups use a service of this site
checksheet-broken-backup-originates-nothing = The keeper of the backups may begin connections by: { $what }
checksheet-found-backup-from-high-secure = All hosts that the whitelist names for it stand in the High Secure Zone
checksheet-broken-backup-from-high-secure = Other hosts may use it: { $what }
checksheet-absent-no-service = No service is offered at this site
checksheet-absent-no-use = The whitelist of this site foresees no use of other institutions' services
checksheet-absent-no-host-high-secure = No host of this site stands in the High Secure Zone
checksheet-absent-no-host-secure = No host of this site stands in the Secure Zone
checksheet-absent-no-host-dmz = No host of this site stands in the DMZ
checksheet-absent-no-rule = No in-house rule leads from one of the two zones to the other
checksheet-absent-no-backup = The whitelist of this site foresees no backup service

checksheet-standing-met = met
checksheet-standing-unmet = not met
checksheet-standing-open = not answered
checksheet-standing-not-applicable = does not apply
checksheet-standing-skipped = passed over
checksheet-standing-per-peer = for each other side
checksheet-say-yes = Yes
checksheet-say-no = No
checksheet-say-does-not-apply = Does not apply

### In documents

document-shape-check-item = a number of an item like 2-3-1
document-checksheet-elsewhere = { $place }: the checksheet is of { $named }, the document describes { $site }
document-checksheet-elsewhere-do = take the line site = … out of [checksheet], or put the checksheet into a document of its own
document-checksheet-site-unknown = { $place }: site { $site } is unknown
document-checksheet-site-unknown-do = apply the document of the site first, or correct its name
document-answer-of-nobody = { $place }: nobody stands behind this answer
document-answer-of-nobody-do = write under by who answered
document-answer-unreasoned = { $place }: it is said not to apply, without a reason
document-answer-unreasoned-do = write the reason under evidence

page-transfer-checksheet = Checksheet

### Decision

whose-own-checksheet = { $own } answers the checksheet of its site
whose-peer-checksheet = { $peer } answers the checksheet of its site
denied-checksheet-missing = site { $site } of { $party } has no checksheet of its model, so nobody may connect with it
denied-checksheet-missing-do = let the manager of { $party } answer the checksheet on the page of site { $site }
denied-checksheet-fails = the checksheet of site { $site } of { $party } does not pass: { $items }
denied-checksheet-fails-do = let the manager of { $party } answer or mend these items on the page of the checksheet of { $site }
check-checksheets = Checksheets
check-checksheets-passed = the sites at both ends pass their checksheets
why-ended-checksheet-ended = it was cut { $at }: the checksheet of one of the two sites no longer passes
why-ended-checksheet-ended-do = the facility must mend what its checksheet lacks; who connects again is told which

### Pages

joining-field-answer = Answer
joining-field-evidence = Evidence, or the reason why it does not apply
registration-step-checksheet = The checksheet is answered and passes
registration-step-checksheet-do = Answer the checksheet of the site; no line to another legal entity opens before it passes, nor before that of the other side does.
page-checksheet-title = Checksheet
page-checksheet-open-page = Open the checksheet
page-checksheet-site = To the site
page-checksheet-print = For printing
page-checksheet-back = To the checksheet
page-checksheet-passes = Checksheet passes
page-checksheet-open = Checksheet does not pass yet
page-checksheet-missing = Nobody has answered this checksheet yet.
page-checksheet-other = What was answered is the sheet of another model: the site's model has changed since. Answer this one.
page-checksheet-lacks = Items that are not met:
page-checksheet-not-asked = There are answers to items that nobody is asked ({ $items }). Save the sheet once more: they are left out then.
page-checksheet-lead = What the product can know it answers itself, and shows what that rests on. You answer the rest. What you leave open stays open, so you can save and go on later; with each answer your user ID and the time are recorded. The sheet passes when nothing is open or unmet, and ends passing when that changes: lines of the site end with it.
page-checksheet-save = Save the answers
page-checksheet-end = Save them: lines of this site end
page-checksheet-machine = This product
page-checksheet-per-peer = Judged for each other side by whether its own sheet passes; the page of an agreement says so before anybody signs.
page-checksheet-skipped = No line is shared with others, so nothing is asked here.
page-checksheet-source = guideline section { $section }
page-checksheet-col-item = Item
page-checksheet-col-asked = What is asked
page-checksheet-col-answer = Answer
page-checksheet-col-who = Who and when
page-checksheet-col-evidence = What it rests on
page-agreement-sheets = Checksheets of both sides
page-agreement-sheets-count = { $passing } of { $sites } sites
page-agreement-sheets-items = (item { $items } of your own checksheet)
page-agreement-sheets-do = A line opens only when the checksheets of the sites at both ends pass. You may sign before that.
api-call-see-checksheet = The checksheet of a site, item by item
api-call-answer-checksheet = Answer the checksheet of a site

journey-checksheet-machine = the checksheet shows what the product answers itself
journey-checksheet-refused = an item that does not apply needs its reason, and the other answers stay
journey-checksheet-passes = answered whole, the checksheet passes
journey-checksheet-asks = a slip that would end the lines of the site is asked about first, and nothing is saved
journey-checksheet-print = its printed form holds every answer
journey-agreement-sheets = the agreement tells both sides' checksheets before anybody signs
