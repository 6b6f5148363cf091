# The sekisho command

cli-label-person = person
cli-label-device = device
cli-label-permit = permit
cli-label-proof = proof
cli-label-open = open
cli-label-closed = closed
cli-label-counted = counted
cli-label-refused = refused
cli-label-section = section
cli-label-remedy = do
cli-label-failed = failed
cli-label-record = record
cli-label-invariant = broken
cli-label-packet = packet
cli-label-path = path
cli-label-because = because
cli-label-site = site
cli-label-services = services
cli-label-ends = ends
cli-label-remedyne = done
cli-label-when = when
cli-label-asked = asked
cli-label-missing = missing
cli-label-contradiction = differs
cli-label-points = points
cli-label-alarm = alarm
cli-label-card = card
cli-label-letters = letters
cli-label-files = files
cli-files-wait = waiting for their scan: { $count }, since { $since } (if this stays, look at clamd and at the center's log)
cli-letters-wait = waiting for the mail server: { $count }, since { $since }; it said: { $why }
cli-letters-untried = waiting: { $count }, since { $since }; not tried yet (if this stays, look at [joining.mail] of the center)

cli-pin-prompt = PIN of the card:{" "}
cli-person = { $name } · { $role } · valid until { $until }
cli-device = { $device } · registered
cli-permit = agreement { $agreement }, rule { $rule }
cli-proof = { $invariants ->
    [one] { $invariants } invariant holds
   *[other] { $invariants } invariants hold
} at { $sites ->
    [one] { $sites } site
   *[other] { $sites } sites
} ({ $took })
cli-open = { $grant }  { $line } at { $address } until { $until } ({ $took })
cli-closed = { $grant }  { $line } ({ $took })
cli-closing = { $grant }  { $line }: a gate has not confirmed yet; nothing new can be opened on it
cli-counted = { $site }: { $packets } packets, { $bytes } bytes
cli-nothing-open = nothing
cli-connection = { $grant }  { $line } ({ $service }) until { $until }
cli-site-linked = { $site } ({ $institution }) · gate linked · generation { $force } of { $wanted }
cli-site-away = { $site } ({ $institution }) · gate not linked · generation { $force } of { $wanted }
cli-alarm-foreign = { $since } · a foreign hand wrote to the switch: { $detail } · not undone yet
cli-alarm-foreign-over = { $since } · a foreign hand wrote to the switch: { $detail } · undone after { $stood } ms
cli-alarm-fault = { $since } · does not work: { $detail }
cli-alarm-fault-over = { $since } · did not work: { $detail } · works again
cli-site-change = { $site }: generation { $parent } → { $generation }, { $added } added, { $removed } removed
cli-no-change = nothing changes
cli-applied = applied
cli-planned = nothing was changed; `sekisho apply` would do this
cli-points-agree = source, access point and destination agree
cli-log-holds = { $entries } entries, unbroken; head { $head }
cli-log-broken = broken at entry { $at }: { $why }
cli-card-signs = signature card: for documents, not for signing in
cli-card-authenticates = authentication card: for signing in
cli-card-other = neither for signing in nor for documents
cli-card-unreadable = a certificate that cannot be read

point-source = source
point-access-point = access point
point-destination = destination

cli-unreachable = { $what } is out of reach: { $why }
cli-unreachable-do = check that the gate or the center is running and that this machine is plugged into its registered port, then try again
cli-nonsense = { $what } answered something this version does not understand: { $why }
cli-nonsense-do = bring both sides to the same version of Sekisho
cli-file = { $path }: { $why }
cli-file-do = correct this file and try again; nothing was changed
cli-not-configured = { $path } has no [{ $section }]
cli-not-configured-do = add [{ $section }] to it, or run this command on the machine that has one
cli-nothing-fits = no single open connection fits { $what }
cli-nothing-fits-do = see `sekisho status` and name the grant, e.g. g-7

# The card
card-no-driver = the card driver cannot be loaded
card-no-driver-do = install the card's PKCS#11 driver and name it under [card] in the configuration
card-none = no card is inserted
card-none-do = insert your card and try again
card-not-found = the card with this label is not inserted
card-not-found-do = insert it, or name another with --card; `sekisho card` lists them
card-several = several cards are inserted
card-several-do = name one with --card; `sekisho card` lists them
card-wrong-pin = the PIN is wrong
card-wrong-pin-do = try again with care: after several wrong PINs the card locks itself
card-last-try = the PIN is wrong, and the next wrong one locks the card
card-last-try-do = stop here if you are not sure of the PIN, and ask the issuer of the card
card-locked = the card is locked by too many wrong PINs
card-locked-do = ask the issuer of the card to unlock it
card-no-identity = the card holds no certificate with a private key
card-no-identity-do = insert an HPKI authentication card
card-driver = the card driver reports a fault
card-driver-do = take the card out, insert it again, and try once more

# Questions to the proof
cli-label-answer = answer
cli-label-all = all
cli-label-stops = stops
cli-label-needs = needs
cli-label-policy = policy
cli-label-change = change
cli-label-promise = promise
cli-label-begins = begins
cli-label-receives = receives
cli-label-came = came
cli-label-went = went
cli-label-from-state = before
cli-label-to-state = after
cli-label-verdict = verdict
cli-label-size = size
cli-can-yes = yes: { $from } → { $to } { $what } ({ $took })
cli-can-no = no: { $from } → { $to } { $what } ({ $took })
cli-can-yes-supposed = it could: { $from } → { $to } { $what } ({ $took }); nothing was changed
cli-can-no-supposed = it could not even so: { $from } → { $to } { $what } ({ $took }); nothing was changed
cli-reach-line = { $from } → { $to } { $what } · { $because }
cli-nothing = nothing
cli-diff-now = { $site } at { $generation }
cli-diff-supposed = as these documents would make it; nothing was changed
cli-diff-empty = before anything was applied
cli-verify-holds = everything holds: { $invariants } invariants and { $promises } promises of sites
cli-verify-broken = it does not hold; see below
cli-verify-size = { $sites } sites, { $grants } live grants, { $parts } rules, tunnels and filters
cli-engine-paths = path by path: { $size } classes of packets ({ $took })
cli-engine-sets = exact sets: { $size } nodes ({ $took })
cli-engine-paths-broken = path by path: a breach ({ $took })
cli-engine-sets-broken = exact sets: a breach ({ $took })
cli-no-picture = there is nothing to draw; no picture was written
cli-misread = `{ $what }` is not a host and a service
cli-misread-do = name both as site/host and institution/name, e.g. clinic/exam-1 keyaki/records

# Sessions
cli-label-session = session
cli-label-approval = approval
cli-label-cut = cut
cli-session = signed in at { $at } until { $until } at the latest
cli-session-over = signed out at { $at }; what was open is closed
cli-no-session = nobody is signed in; `sekisho login`
service-closed = ready
service-refused = refused
service-waiting-approval = waiting
service-opening = opening
service-open = open
service-closing = closing
cli-service = { $service } · { $name }
cli-service-open = { $service } · { $name } · { $grant } until { $until }
cli-service-ends-soon = { $service } · { $name } · { $grant } ends soon, at { $until }: `sekisho extend { $grant }`
cli-service-waiting = { $service } · { $name } · the provider has been asked and may answer until { $until }
cli-packet-refused = { $at } to { $destination }
cli-extended = { $grant } { $line } until { $until }
cli-approval = { $approval } { $person } ({ $role }), { $institution }, { $from }: { $name }; answer until { $until }
cli-no-approval = nobody waits for an answer
cli-cut = { $lines } lines ({ $grants }) and { $sessions } sessions; nothing is left of them ({ $took })
cli-cut-unconfirmed = { $lines } lines ({ $grants }) and { $sessions } sessions; a gate has not confirmed yet ({ $took })
cli-live-linked = { $site } · { $name } · { $hosts } hosts
cli-live-away = { $site } · { $name } · { $hosts } hosts · its gate is away
cli-live-alarm = { $site } · { $name } · { $hosts } hosts · { $alarms } alarms
cli-live-line = { $grant } { $line } · { $name } · { $person } until { $until }
