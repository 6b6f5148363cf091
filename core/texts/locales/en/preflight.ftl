# What `sekisho preflight` says of a terminal (R1).
preflight-holds = good
preflight-warns = note
preflight-unknown = not known
preflight-fails = failed

preflight-group-line = line
preflight-group-terminal = terminal
preflight-group-software = software
preflight-group-passage = passage

preflight-all-holds = this terminal can join
preflight-all-warns = this terminal can join; read the notes
preflight-all-unknown = nothing speaks against this terminal so far, but not everything is known
preflight-all-fails = this terminal cannot join yet: { $count ->
    [one] one thing has to be mended
   *[other] { $count } things have to be mended
}
preflight-all-software = none of the { $count } families of software that hinder a VPN was found
preflight-do = do

preflight-line-question = What kind of line leads to the Internet from here ({ $kinds })? Empty if you do not know:
preflight-line-ask = the kind of the line cannot be seen from here
preflight-line-ask-do = say which it is: --line fiber, isdn, adsl, mobile, catv, public-wifi, leased or ip-vpn; if you do not know, ask who bills you for it
preflight-line-ask-wifi = the terminal is on a wireless LAN; whose line is behind it cannot be seen from here
preflight-line-ask-wifi-do = connect it by cable, or, if the wireless LAN is your own, say what is behind it: --line fiber …; a public one will not do (--line public-wifi)
preflight-line-ask-dialled = the terminal dials by itself; over which line cannot be seen from here
preflight-line-ask-dialled-do = say which it is: --line fiber for optical fibre, --line adsl, isdn …
preflight-line-fiber = broadband over optical fibre
preflight-line-isdn = ISDN: this kind of line does not meet the requirements
preflight-line-adsl = ADSL: this kind of line does not meet the requirements
preflight-line-mobile = mobile telephony: this kind of line does not meet the requirements
preflight-line-catv = cable television: this kind of line does not meet the requirements
preflight-line-public-wifi = public wireless LAN: this kind of line does not meet the requirements
preflight-line-leased = a leased line of your own: it does not lead to the Internet as required
preflight-line-ip-vpn = a closed network (IP-VPN): it does not lead to the Internet as required
preflight-line-do = use an Internet line over optical fibre on which IPsec and IKE pass; ask your carrier and provider whether theirs lets them through

preflight-os-admitted = { $name } is admitted
preflight-os-ended = { $name } is admitted, but its maker has not mended it since { $ended }
preflight-os-ended-do = move to a system that still gets security updates
preflight-os-not-admitted = { $name } ({ $version }) is not among the systems admitted
preflight-os-not-admitted-do = use an admitted system: Windows 7 SP1 or later, OS X 10.10 or later, Debian 12, Ubuntu 22.04, RHEL 9 or later
preflight-disk-free = { $free } MB free, { $wanted } MB wanted
preflight-disk-full = only { $free } MB free, { $wanted } MB wanted
preflight-disk-full-do = free at least { $wanted } MB where the software is to go
preflight-disk-unknown = how much room is free could not be read; { $wanted } MB are wanted
preflight-disk-unknown-do = look it up where the software is to go

preflight-family-absent = { $number } { $name }: not found
preflight-family-not-here = { $number } { $name }: does not exist on this kind of system
preflight-family-lets-pass = { $number } { $name }: { $what } is there, and everything passes
preflight-family-found = { $number } { $name }: found as { $what }
preflight-family-unknown = { $number } { $name }: could not be looked for ({ $what } not readable)
preflight-family-unknown-do = run it again as administrator, or look for the software yourself
preflight-family-bonjour-do = remove Bonjour (it comes with iTunes, Adobe products and printers) or at least stop its service
preflight-family-att-communications-manager-do = remove AT&T Communications Manager and the Sierra Wireless card, then restart
preflight-family-att-global-dialer-do = remove the AT&T dialler, then restart
preflight-family-citrix-advanced-gateway-do = remove the Citrix gateway client, or move to a later version
preflight-family-third-party-firewall-do = let it pass UDP 500, UDP 4500, TCP 443 and IP protocol 50 both ways to the center, or turn it off; then try again
preflight-family-juniper-odyssey-do = remove the Juniper client, then restart
preflight-family-kaspersky-6-do = move to a later version of Kaspersky, or remove it and use another virus scanner
preflight-family-mcafee-firewall-do = remove McAfee Firewall 5, or move to a later version
preflight-family-internet-explorer-8-do = move to another browser or a later version
preflight-family-routing-and-remote-access-do = this machine serves dial-ins or VPNs of others: stop that service, or use another machine as the terminal
preflight-family-openvpn-do = stop and remove the OpenVPN client; two VPNs pull at the same routes
preflight-family-load-balancer-do = the terminal's packets must leave by one way: take it out of the load balancer, or pin its connections to one line
preflight-family-wave-embassy-do = remove Wave EMBASSY Trust Suite, then restart
preflight-family-lsp-nod32-do = remove what hooks into every program's network calls (LSP modules, ESET NOD32), or exclude the VPN from it, then restart
preflight-family-evdo-venturi-do = remove the wireless card and its driver, then restart; a mobile line will not do either
preflight-family-dsl-router-do = let a router dial instead of the terminal; it must let IPsec through
preflight-family-check-point-do = remove the other VPN or protection product, or exclude this VPN from it, then restart
preflight-family-virtual-machine-network-do = remove the network drivers of the virtual machines from this terminal, or use a terminal without them

preflight-tcp-passes = TCP { $port } passes
preflight-tcp-silent = TCP { $port } does not pass: nothing comes back from { $center }
preflight-tcp-refused = TCP { $port } is refused on the way to { $center }
preflight-tcp-do = on every router and firewall, let TCP from any port out to port { $port } of { $center }
preflight-other-answers = { $what }: somebody else answers in the place of { $center }
preflight-other-answers-do = a proxy or a login page stands between: let the terminal reach { $center } directly
preflight-ike-passes = UDP { $port } passes (IKE)
preflight-ike-silent = UDP { $port } does not pass: nothing comes back from { $center }
preflight-ike-refused = UDP { $port } is refused on the way to { $center }
preflight-ike-do = on every router and firewall, let UDP out from any port to port { $port } of { $center }, and its answers in (ISAKMP, "IPsec pass-through")
preflight-nat-traversal-passes = UDP { $port } passes (IPsec over UDP)
preflight-nat-traversal-silent = UDP { $port } does not pass: nothing comes back from { $center }
preflight-nat-traversal-refused = UDP { $port } is refused on the way to { $center }
preflight-nat-traversal-do = on every router and firewall, let UDP out from any port to port { $port } of { $center }, and its answers in ("NAT traversal")
preflight-esp-passes = ESP (IP protocol 50) passes
preflight-esp-carried = ESP (IP protocol 50) does not pass by itself; behind an address translation it travels inside UDP 4500, which passes
preflight-esp-silent = ESP (IP protocol 50) does not pass: nothing comes back from { $center }
preflight-esp-refused = ESP (IP protocol 50) is refused on the way to { $center }
preflight-esp-do = on every router and firewall, let IP protocol 50 pass both ways between the terminal and { $center }
preflight-no-right = { $what } could not be tried: only an administrator may send it
preflight-no-right-do = run it again as administrator (sudo sekisho preflight)
preflight-not-tried = { $what } could not be tried: { $why }
preflight-not-tried-do = mend that on this machine and run it again
preflight-nobody-asked = { $what } was not tried: no center was named
preflight-nobody-asked-do = name the center's responder: --center ADDRESS
preflight-nat-nobody = addresses are not translated on the way
preflight-nat-traversed = addresses are translated on the way (seen as { $address }); NAT traversal copes with it
preflight-nat-not-traversed = addresses are translated on the way (seen as { $address }), and UDP 4500, which must carry everything then, does not pass
preflight-nat-not-traversed-do = let UDP 4500 pass, or give the terminal an address that is not translated
preflight-nat-not-tried = addresses are translated on the way (seen as { $address }); whether UDP 4500 carries everything then was not tried
preflight-nat-not-tried-do = mend what kept UDP 4500 from being tried and run it again
preflight-nat-unknown = whether addresses are translated cannot be told: nobody answered on UDP 500 or 4500 who says what it sees
preflight-nat-unknown-do = mend UDP 500 and 4500 first
