### What can be wrong with documents (`model::DocumentFault`). $place is the file and line, or the site and what stands in it.

document-syntax = { $place }: { $kind ->
    [twice] this name stands here a second time
    [list-open] a list is begun with [ and never closed with ]
    [table-open] a bracket of a table is opened and never closed
    [open] something is opened here and never closed
    [no-value] a name stands here without = and a value
    [unquoted] a text stands here without quotation marks
    [comma] a comma is missing here, or one is too many
    [string] this text in quotation marks cannot be read
    [key] the name before = cannot be read
    [value] the value after = cannot be read
   *[other] this is not TOML
 } (the reader says: "{ $detail }")
document-syntax-do = { $kind ->
    [twice] keep one of the two lines; a second host, segment and so on begins with a line like [[host]]
    [list-open] close the list with ]
    [table-open] close the bracket: [site], [[host]], {"{"} roles = […] {"}"}
    [no-value] write name = value, for example vlan = 20
    [unquoted] put the text in quotation marks: id = "clinic"
    [string] let the text begin and end with " on the same line
    [key] use letters, digits, - and _ for the name, followed by = and a value
    [comma] write one comma between every two; a list is closed with ], a table with {"}"}
   *[other] compare this line and the one above with an example of the guide, and try again
 }
document-unknown-field = { $place }: there is no field { $field } here
document-unknown-field-do = take the line out, or correct the name; here may stand: { $expected }
document-unknown-word = { $place }: { $field } cannot be "{ $found }"
document-unknown-word-do = write one of: { $expected }
document-missing-field = { $place }: the field { $field } is missing
document-missing-field-do = add a line { $field } = … to the table that begins there
document-wrong-type = { $place }: { $field } is { $found }; here belongs { $expected }
document-wrong-type-do = write { $expected }
document-wrong-shape = { $place }: { $field }: "{ $found }" is not { $expected }
document-wrong-shape-do = write { $expected }
document-unreadable = { $place }: { $field } cannot be read ("{ $detail }")
document-unreadable-do = compare it with an example of the guide, correct it and try again

document-shape-text = a text in quotation marks
document-shape-number = a whole number without quotation marks
document-shape-small-number = a whole number from 0 to 65535 without quotation marks
document-shape-fraction = a number with a decimal point
document-shape-yes-or-no = true or false, without quotation marks
document-shape-date = a date without quotation marks
document-shape-list = a list in [ ]
document-shape-table = a table of its own, or one in {"{"} {"}"}
document-shape-name = a name of 1 to 63 small letters a to z, digits and -, beginning with a letter or digit
document-shape-host-ref = a host named as site/host
document-shape-service = a service named as institution/service
document-shape-agreement = an agreement number of 1 to 63 letters, digits and -, for example A-0012
document-shape-mac = a MAC address like 02:00:00:01:20:11
document-shape-dpid = a datapath id of 16 hexadecimal digits
document-shape-port = a switch port like sw1/3 (port 1 to 65279)
document-shape-address = an IP address like 10.1.20.11
document-shape-prefix = a range of addresses like 10.1.20.0/24
document-shape-never = a number of a promise, S01 to S999
document-shape-part = a part of the network like zone:high-secure, segment:exam-rooms, host:exam-1, host:hospital/portal, site:hospital or outside
document-shape-window = daily hours like 08:30-17:00 (Japan time)
document-shape-time = an instant like 2026-11-21T18:00:00+09:00, in quotation marks
document-shape-socket = an address with its port, like 192.0.2.2:7443 or [2001:db8::1]:7443
document-shape-http = an address that begins with http:// (answers are signed, https is not needed)
document-shape-other = a value of another kind

document-export-unreadable = { $place }: this is not a file as sekisho export wrote it ("{ $detail }")
document-export-unreadable-do = give the whole file as sekisho export wrote it; if it was cut off, export again
document-export-version = { $place }: the file is of version { $found }; this program reads version { $reads }
document-export-version-do = export again with this version of the program, or import with the version that wrote the file
document-export-changed = { $place }: the file was changed after it was exported
document-export-changed-do = make changes in the documents and apply them; or export again
document-export-unsayable = { $place }: what it holds of { $part } could stand in no document
document-export-unsayable-do = make changes in the documents and apply them; or export again where the file came from

document-no-site = { $place }: parts of a site stand here, but no [site]
document-no-site-do = add [site] with its id and model
document-two-institutions = { $place }: [site] names the institution { $named }, [institution] is { $institution }
document-two-institutions-do = let both name the same institution
document-no-institution = { $place }: site { $site } names no institution
document-no-institution-do = add [institution], or a line institution = "…" under [site]
document-no-gateway = { $place }: site { $site } has no [gateway]
document-no-gateway-do = add [gateway] with uplink, mac and ike_identity
document-no-switch = { $place }: site { $site } has no [[switch]]
document-no-switch-do = add [[switch]] with its id and dpid
document-several-switches = { $place }: site { $site } has several switches
document-several-switches-do = keep one; a site of this release has exactly one
document-described-twice = { $place }: { $kind ->
    [segment] segment
   *[host] host
 } { $id } is described twice
document-described-twice-do = keep one of the two, or give one another id
document-too-many-nevers = { $place }: this is one promise too many
document-too-many-nevers-do = a site has at most 999 of them; take out what is no longer needed
document-never-twice = { $place }: this promise is { $id }, and so is another
document-never-twice-do = give each [[never]] an id of its own
document-never-outside = { $place }: { $from } and { $to } both lie outside { $site }
document-never-outside-do = a site forbids what begins or ends in it: name a zone, segment or host of its own on one side
document-never-unreasoned = { $place }: the promise gives no reason
document-never-unreasoned-do = say why, in both languages, under because
document-ports = { $place }: the ports are empty, repeated or 0
document-ports-do = list each port once, 1 to 65535
document-no-role = { $place }: no qualification is named
document-no-role-do = name at least one under roles, for example "Medical Doctor"
document-no-terminal = { $place }: no terminal is named
document-no-terminal-do = name at least one host under from
document-other-provider = { $place }: service { $service } is not offered by { $provider }
document-other-provider-do = name the institution that offers the service as provider
document-one-party = { $place }: both sides are { $institution }
document-one-party-do = name two institutions; nobody needs an agreement with themselves
document-agreement-ends-first = { $place }: the agreement ends before it begins
document-agreement-ends-first-do = let valid_until be later than valid_from
document-warns-too-early = { $place }: the warning comes before the lease of { $seconds } s begins
document-warns-too-early-do = let warn_minutes or warn_seconds be shorter than the lease
document-exclusive-and-shares = { $place }: the service is alone in a group and gives way in one
document-exclusive-and-shares-do = write exclusive or shares, not both
document-time-twice = { $place }: { $what ->
    [lease] the lease
    [idle] the idle time
    [warn] the warning time
   *[wait] the waiting time
 } is said twice
document-time-twice-do = write { $what }_minutes or { $what }_seconds, not both
document-time-out-of-bounds = { $place }: { $what ->
    [lease] a lease
    [idle] an idle time
    [warn] a warning time
   *[wait] a waiting time
 } of { $seconds } s is not possible
document-time-out-of-bounds-do = choose one second to one day (1440 minutes)
document-booking-ends-first = { $place }: a booked window ends at { $until }, before it begins
document-booking-ends-first-do = let until be later than from
document-named-twice = { $place }: something stands twice under { $field }
document-named-twice-do = name each once
document-site-twice = { $place }: two documents describe this site
document-site-twice-do = apply one of them
document-service-twice = { $place }: two services have this id
document-service-twice-do = rename one of them
document-service-host-unknown = { $place }: its host { $host } is unknown
document-service-host-unknown-do = describe the host at that site, or correct its name
document-agreement-service-unknown = { $place }: service { $service } is unknown
document-agreement-service-unknown-do = apply the document of the provider first, or correct the name
document-consumer-unknown = { $place }: institution { $institution } is unknown
document-consumer-unknown-do = apply the document of the consumer first, or correct the name
document-institution-unknown = { $place }: institution { $institution } is unknown
document-institution-unknown-do = describe it under [institution], or correct the name
document-no-line = { $place }: the site has no line
document-no-line-do = add [[line]] with the address of the gateway
document-uplink-elsewhere = { $place }: the gateway hangs on switch { $switch }, which the site does not have
document-uplink-elsewhere-do = name switch { $own } under uplink
document-zone-not-of-model = { $place }: a site of this model has no { $zone } (G9)
document-zone-not-of-model-do = move the segment to a zone of the model, or make the site from another model
document-no-such-vlan = { $place }: there is no VLAN { $vlan }
document-no-such-vlan-do = choose 1 to 4094
document-vlan-taken = { $place }: VLAN { $vlan } is also that of { $other }
document-vlan-taken-do = give each segment a VLAN of its own
document-gateway-outside = { $place }: the address of the gateway is outside the segment
document-gateway-outside-do = choose one inside prefix
document-not-routed = { $place }: nothing is routed to { $prefix }: it is link-local or multicast
document-not-routed-do = choose a prefix of your own, global or unique local (RFC 4193)
document-segment-unknown = { $place }: segment { $segment } is unknown
document-segment-unknown-do = name a segment of this site
document-address-outside = { $place }: { $address } is outside { $segment } ({ $prefix })
document-address-outside-do = give the host an address of its segment
document-address-of-gateway = { $place }: { $address } is the address of the gateway
document-address-of-gateway-do = give the host another address
document-two-zones = { $place }: its address puts it in two zones: { $one } and { $other }
document-two-zones-do = let the prefixes of the two segments not overlap
document-switch-unknown = { $place }: switch { $switch } is unknown
document-switch-unknown-do = name switch { $own } under port
document-port-of-gateway = { $place }: port { $port } is that of the gateway
document-port-of-gateway-do = plug the host into another port
document-mac-of-gateway = { $place }: { $mac } is the MAC address of the gateway
document-mac-of-gateway-do = correct one of the two
document-hosts-alike = { $place }: its { $what ->
    [port] switch port
    [mac] MAC address
   *[address] IP address
 } is also that of { $other }
document-hosts-alike-do = give each host its own
document-host-unknown = { $place }: host { $host } is unknown
document-host-unknown-do = name hosts of this site
document-not-a-terminal = { $place }: host { $host } is no terminal
document-not-a-terminal-do = set terminal = true on it, or name another
document-two-families = { $place }: { $from } and { $to } are of two families: neither can speak to the other
document-two-families-do = name two hosts with IPv4, or two with IPv6
document-transit-host-unknown = { $place }: host { $host } is unknown
document-transit-host-unknown-do = name a host that is described, as site/host
document-part-unknown = { $place }: { $part } is unknown
document-part-unknown-do = name what is described; a promise about nothing protects nothing
document-overlap = { $place }: its prefix { $prefix } overlaps { $other } of { $of }
document-overlap-do = give one of the two another prefix
document-dpid-taken = { $place }: datapath id { $dpid } is also that of { $other }
document-dpid-taken-do = give each switch its own
document-ike-identity-taken = { $place }: IKE identity { $identity } is also that of { $other }
document-ike-identity-taken-do = give each gateway its own
document-line-address-taken = { $place }: line address { $address } is also that of { $other }
document-line-address-taken-do = correct one of the two
document-not-agreements-alone = { $place }: this is not a document of agreements alone
document-not-agreements-alone-do = send agreements only, as sekisho agreement sign writes them
document-nobody-signed = { $place }: nobody signed the agreement
document-nobody-signed-do = sign it with sekisho agreement sign, and send what that writes
