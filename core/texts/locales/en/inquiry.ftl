# What happened: `sekisho log match`, `sekisho why`

match-gap-record-opened = { $point } has no record that the line stood
match-gap-record-closed = { $point } has no record that the line ended
match-gap-traffic-opened = { $point } did not say what passed
match-gap-traffic-closed = { $point } did not say how much passed, or its counters were lost
match-gap-packets-opened = { $point } did not say when packets passed
match-gap-packets-closed = { $point } did not say when the first and the last packet passed
match-first-packet = the first packet
match-last-packet = the last packet
match-packet-order = opened, first packet, last packet and end in this order
match-packets = that packets passed
match-grant = the grant
match-agreement = the agreement
match-service = the service
match-origin = the terminal
match-origin-address = the terminal's address
match-destination = the service's host
match-destination-address = the address of the service's host
match-protocol = the protocol
match-ports = the ports
match-lease = the lease
match-site = the observing site
match-time = the time
match-traffic-surplus = more arrived than was sent
match-traffic-lost = more was lost than can be
match-never-permitted = nobody permitted this line
match-permitted-origin = the terminal that was permitted
match-permitted-service = the service that was permitted
match-permitted-agreement = the agreement it was permitted under

cli-match-agrees = { $line }: the three points agree
cli-match-differs = { $line }: { $findings ->
    [one] { $findings } finding
   *[other] { $findings } findings
}
cli-match-line = { $grant }  { $from } → { $service }
cli-match-line-unknown = { $grant }
cli-match-finding = { $text } ({ $section })
cli-match-point = open { $opened }, first packet { $first }, last packet { $last }, { $packets } packets, { $bytes } bytes, closed { $closed }
cli-match-none = no line was ever open
cli-match-sum = { $lines ->
    [one] { $lines } line
   *[other] { $lines } lines
} compared, { $differ ->
    [0] all agree
   *[other] { $differ } do not agree
}
cli-label-finding = finding
cli-label-sum = in all
cli-label-about = about
cli-label-step-holds = ok
cli-label-step-fails = here
cli-label-step-unknown = ·
cli-label-explain = more
cli-why-works = nothing is found that would stop it
cli-why-explain = sekisho explain { $refusal }

why-about-host = { $host }
why-about-line = { $grant }: { $from } → { $service }
why-about-person = { $name }
why-registered = { $host } is registered as a terminal
why-no-terminal = { $host } is registered, but not as a terminal of people: nobody can open a line from it
why-no-terminal-do = use a terminal, or let whoever keeps this site's document make it one
why-gate = the gate of { $site } is linked to the center
why-gate-away = the gate of { $site } has no link to the center; what is open goes on until its lease ends, nothing new can be opened
why-gate-away-do = look at the line of { $site }: is the gate on, does its line to the network operator work?
why-in-force = the gate of { $site } holds everything it was told
why-behind = the gate of { $site } has not carried out the last change yet
why-behind-do = wait a few seconds and ask again; if it stays so, look at the switch of { $site } and its cable
why-fault = a part of { $site } does not work: { $detail }
why-fault-do = let whoever looks after the gate of { $site } see to it; the gate says when it works again
why-foreign = somebody who is not the gate wrote to the switch of { $site }: { $detail }
why-foreign-do = find out who can reach the switch; the gate undoes such changes by itself
why-no-services = this site's whitelist names no service for { $host }
why-no-services-do = let whoever keeps this site's document add the service for this terminal
why-service-open = { $service } is open as { $grant } until { $until }
why-service-can-open = { $service } is not open; nothing but the card stands between it and { $host }
why-last-try = last refused { $at } ({ $refusal }):
why-permitted = permitted { $at }, until { $until }
why-open = both gates see the whole line standing
why-opening = the line is still opening: a gate has not confirmed
why-opening-do = wait a few seconds; if it does not open, it is taken back by itself and `sekisho why` says why
why-ask-the-service = up to the host of { $service } everything stands; if it still does not work, ask the facility that runs the service
why-unfinished = the record ends before the line stood: the center was interrupted
why-unfinished-do = open it again
why-ended = it was closed { $at }: { $cause }
why-ended-do = open it again if it is needed
why-ended-person = it was closed at the terminal { $at }
why-ended-person-do = open it again if it is needed
why-ended-lease = its lease ended { $at }
why-ended-lease-do = open it again, or extend it before the lease ends next time
why-ended-idle = it was closed { $at } because nothing had passed for too long
why-ended-idle-do = open it again; it opens by itself where the person is signed in
why-ended-card-revoked = it was cut { $at }: the card was revoked, or nothing certain was known of it any more
why-ended-card-revoked-do = ask the issuer of the card
why-ended-device-unhealthy = it was cut { $at }: the terminal's certificate is no longer valid, or the terminal is not healthy
why-ended-device-unhealthy-do = let the terminal be looked at before it is used again
why-ended-agreement-ended = it was cut { $at }: the agreement of the two facilities ended
why-ended-agreement-ended-do = the two facilities must agree again
why-ended-operator = the network operator cut it { $at }
why-ended-operator-do = ask the network operator
why-ended-network-changed = it was cut { $at }: the documents of a site no longer allow it
why-ended-network-changed-do = ask whoever keeps this site's document what changed
why-ended-peer-dead = it was closed { $at }: the other facility's gate was gone
why-ended-peer-dead-do = try again; if it fails, call the other facility
why-ended-not-opened = it never stood: it was taken back { $at }
why-ended-not-opened-do = try again; if it happens again, `sekisho explain` says more
why-ended-vetoed = it was taken back { $at }: the exact proof refused it
why-ended-vetoed-do = tell the network operator; this is a fault of the product, and nothing unsafe stayed open
why-ended-signed-out = it ended { $at } when the person signed out
why-ended-signed-out-do = sign in again; it opens by itself
why-ended-session-over = it ended { $at } with the session of the person
why-ended-session-over-do = sign in again; it opens by itself
why-ended-replaced = it ended { $at } when another person signed in at the terminal
why-ended-replaced-do = sign in again; it opens by itself
why-ended-exclusive = it was closed { $at }: a service that tolerates no other on its circuit was opened in the house
why-ended-exclusive-do = wait until that service is closed; then it opens by itself
why-ended-device-revoked = it was cut { $at }: the terminal's certificate was revoked
why-ended-device-revoked-do = let the terminal be looked at; it needs a new certificate
why-ended-gate-revoked = it was cut { $at }: the certificate of a gate was revoked
why-ended-gate-revoked-do = ask the network operator; the gate needs a new certificate
why-ended-role-removed = it was cut { $at }: the service no longer admits the qualification
why-ended-role-removed-do = ask the facility that offers the service
why-ended-rule-removed = it was cut { $at }: the site's policy no longer allows it
why-ended-rule-removed-do = ask whoever keeps this site's document what changed
why-ended-service-changed = it was cut { $at }: the service is gone, or is another one now
why-ended-service-changed-do = ask the facility that offers the service
why-card-seen = { $name } was last seen { $at } at { $host }
why-no-card = no card of `{ $name }` has come to the center lately
why-no-card-do = sign in at a terminal with the card; if that fails, the terminal itself says why
