# The story of `cargo xtask demo`
demo-title = Sekisho: a doctor at a clinic opens one service of a hospital, uses it, and closes it.
demo-raise-network = raising three sites, each with Open vSwitch and strongSwan, and an Internet between them …
demo-raise-papers = issuing cards and certificates, signing agreements …
demo-raise-center = starting the center …
demo-raise-gates = starting three gates, plugging their switches in …
demo-raise-documents = applying the documents of three institutions, after their proof …
demo-take-down = taking everything down …
demo-story-goes-on = the story can go on
demo-times = Times, as a person at the terminal sees them (program start and card included)
demo-time-open-cold = open, no tunnel between the sites before
demo-time-close = close, until the last byte of a running download
demo-whole-story = the whole story
demo-failed = These checks did not hold:

demo-chapter-before = 1. Before anything
demo-nothing-reached = the doctor's terminal reaches nothing outside and no other terminal ({ $probes } attempts: TCP, UDP, ICMP)
demo-no-packet-outside = no packet of it was seen on the Internet

demo-chapter-opening = 2. The doctor opens the record service with the card
demo-opened = the line is open
demo-status-open = the center says open because both gates observed it
demo-https-works = HTTPS from the terminal to the record server works
demo-nothing-clear = no packet of either house was seen in clear on the Internet
demo-only-ike-and-esp = between the two gateways there is only IKE and ESP in UDP

demo-chapter-separation = 3. At this moment everything else stays shut
demo-second-line = a ward of the hospital opens a service of the provider: the hospital now has two tunnels
demo-second-line-works = the ward reaches that service
demo-shut-other-terminal = another terminal of the clinic reaches neither the record server nor the doctor's terminal ({ $probes } attempts)
demo-shut-other-port = no other port or protocol of the record server answers ({ $probes } attempts)
demo-shut-other-host = no other host of the hospital or the clinic answers ({ $probes } attempts)
demo-shut-relay = nothing passes through the hospital between the provider and the clinic, nor from the provider into the hospital ({ $probes } attempts)
demo-shut-reverse = the record server cannot originate toward the clinic ({ $probes } attempts)
demo-second-line-closed = the second line is closed again

demo-chapter-refusals = 4. What is refused, and why
demo-refused = refused: { $text }
demo-refusal-recorded = … and written down as { $record }, with every reason
demo-relay-refused = a document that would make the hospital carry traffic between two others: the proof refuses it and shows the packet
demo-relay-refused-plan = … and `sekisho plan` says so before anybody applies it
demo-gate-revoked = toward a gate whose certificate was revoked nothing opens ({ $codes })

demo-chapter-closing = 5. The doctor closes the line
demo-download-runs = a download is running
demo-closed = the line is closed
demo-download-cut = the running download was cut
demo-shut-again = the record server does not answer any more
demo-as-before = flow tables, connection tracking, tunnels and filters are what they were before step 2

demo-chapter-crashes = 6. Every process is killed in turn (kill -9)
demo-victim-gate = the hospital's gate
demo-victim-center = the center
demo-victim-charon = the hospital's IKE daemon
demo-crash-open = a line is open; now { $who } dies
demo-crash-traffic-goes-on = { $who } is dead: the running download goes on
demo-crash-nothing-clear = { $who } is dead: nothing in clear on the Internet
demo-crash-works-again = { $who } is back: the service works
demo-crash-as-planned = { $who } is back: what stands is exactly what the center says is open
demo-crash-record = no entry of the record was lost ({ $who })
demo-crash-closed = the line is closed
demo-opening-as-planned = { $who } died while a line was opening: what stands is exactly what the center says
demo-opening-ended = … and afterwards it ends cleanly ({ $who })

demo-chapter-record = 7. The record
demo-log-verified = the chain of the record is unbroken
demo-three-points = source, access point and destination each wrote the line down
demo-points-agree = the three agree
