### Why a program does not start, or cannot go on; and why a gate is not enrolled.

## A key, and the secure element it is in (`keys::Unusable`).
key-no-module = the PKCS#11 module { $module } cannot be loaded (the system says: "{ $said }")
key-no-module-do = install the module of the secure element, or correct its path
key-no-token = no secure element is there
key-no-token-do = connect it, start the program that reaches it, or initialise its token
key-other-token = no token is labelled { $wanted }; found: { $found }
key-other-token-do = connect the right secure element, or correct the token's label
key-several-tokens = several tokens are there: { $found }
key-several-tokens-do = name one of them by its label
key-wrong-pin = the secure element refused the PIN
key-wrong-pin-do = put the right PIN into its file, then start again; after several wrong ones the element locks
key-last-try = the next wrong PIN locks the secure element, so none is tried
key-last-try-do = unlock it by hand with the right PIN, put that into its file, then start again
key-locked = the secure element is locked by too many wrong PINs
key-locked-do = unlock it with the PIN of its security officer, or make a new key
key-empty = the secure element holds no certificate with a private key
key-empty-do = make the key and fetch its certificate
key-module = the module of the secure element reports a fault ("{ $said }")
key-module-do = mend what it reports; if that does not help, connect the element again and restart what reaches it
key-no-such-key = the secure element holds no key labelled { $label }
key-no-such-key-do = look with "pkcs11-tool --list-objects", correct the label, or make one with "sekisho-gate enroll --element"
key-pin-refused = the secure element refused this PIN; it is not tried again, because that could lock the element
key-pin-refused-do = put the right PIN into its file and start again
key-no-randomness = the machine gives no random numbers
key-no-randomness-do = start again; if it goes on, check the machine

## Between a machine and the center (`enrolment::Exchange`).
exchange-address = "{ $found }" is no address
exchange-address-do = write it as https://host:port
exchange-unreachable = the center at { $address } cannot be reached (the system says: "{ $said }")
exchange-unreachable-do = check that the center runs, the line and firewalls to it, and that the authority named for its certificate is the right one
exchange-silent = the center at { $address } does not answer
exchange-silent-do = check the line and firewalls to it; if others reach it, ask the network operator
exchange-refused = { $code } { $what }
exchange-refused-do = { $mend }
exchange-nonsense = what answers at { $address } does not answer as a center does ("{ $said }")
exchange-nonsense-do = check the address; bring both sides to the same version of Sekisho

## What a program says last (`texts::last_words`).
startup-fails = { $program } does not start
startup-stops = { $program } cannot go on and ends
startup-command-fails = { $program } did not do it
startup-check-fails = { $program }: { $count ->
    [one] a fault was found
   *[other] { $count } faults were found
 }; nothing was started
startup-reason = { $code } { $why }
startup-side-center = the machine that runs the center
startup-side-gate = the machine that runs the gate
startup-side-line = the line from the gate to the center, or the center's machine
startup-side-network = whoever runs the center
startup-side-authority = whoever issues the gate's certificates
startup-center-checked = { $path } is in order: configuration, certificate and key, the key orders are signed with, trust folder, and every other file it names. Nothing was started; addresses and registry are tried when the center starts.
startup-gate-checked = { $path } is in order: configuration, the gate's certificate and key for site { $site } (valid until { $until }), authorities, revocation lists, and the center's order key. Nothing was started; addresses and network namespaces are tried when the gate starts.

## The center as a whole (`center::RunError`).
startup-unsound = what the registry holds is not believed ({ $why })
startup-unsound-do = keep the registry as evidence and restore the last backup
startup-system = the system gives no thread or no signal (it says: "{ $said }")
startup-system-do = check the machine's limits (threads, open files, memory), then start again
startup-ended = { $part } ended, which it never should
startup-ended-do = look at the last lines of the log before this; start again, and report it as a fault of Sekisho if it comes back
startup-part-pages = the listener for operators' browsers
startup-part-devices = the care for revoked devices
startup-part-issued-lists = the care for the center's own revocation lists
startup-part-certificates = the listener for certificates
startup-part-gates = the listener for gates
startup-part-operators = the operator's socket
startup-part-leases = the watch over leases
startup-part-lists = the watch over revocation lists
startup-part-answers = the renewal of OCSP answers
startup-part-public = the public entrance
startup-part-inside = the entrance inside the client VPN
startup-part-service = the entrance of the service
startup-part-letters = the sender of letters
startup-part-ended-accounts = the revocation for ended accounts
startup-part-applications = the care for applications
startup-part-reports = the care for report files
startup-part-vpn = the link to the client VPN
startup-part-accounts = the watch over accounts
startup-part-vpn-record = the record of the client VPN
startup-part-panicked = a part of the center

## The center's configuration (`center::Setting`). $place is the file or the table.
setting-no-center-name = { $place }: this certificate names no center
setting-no-center-name-do = have one issued that names it, as urn:sekisho:center:<name>
setting-passwords = { $place }: there is no rule for passwords called "{ $found }"
setting-passwords-do = write one of: { $known }
setting-not-on-offer = { $place }: the service "{ $service }" is not on offer
setting-not-on-offer-do = name one of [[joining.service]] under service: { $known }
setting-scanner-afar = { $place }: the virus scanner at { $address } is on another machine, and nothing on the way there is encrypted
setting-scanner-afar-do = name a socket or an address of this machine under clamd
setting-inside-address = { $place }: with [joining.vpn] the entrance inside cannot listen at { $found }
setting-inside-address-do = name one IPv4 address that can be reached inside the client VPN only
setting-nothing-named = { $place }: the folder holds no file that ends in .{ $ending }
setting-nothing-named-do = name machine-ca and machine-crl under [joining.vpn], or let the center issue certificates ([issuing])
setting-seal = { $place }: this is not a file of sealing keys
setting-seal-do = write a key a line, 32 octets in base 64, the present one first; "openssl rand -base64 32" makes one
setting-credentials-open = { $place }: everybody on this machine may open it (mode { $mode })
setting-credentials-open-do = take their rights away: chmod o= it
setting-credentials = { $place }: this is not name and password of the mail account
setting-credentials-do = write two lines: name = "…" and password = "…"
setting-mail-from = { $place }: from = "{ $found }" is no mail address ("{ $said }")
setting-mail-from-do = write an address like noreply@center.example
setting-mail-in-clear = { $place }: letters would go to { $server } in clear
setting-mail-in-clear-do = use tls = "tls" or tls = "starttls"; "none" is for a mail server on this machine only
setting-mail-authority = { $place }: the authorities of the mail server's certificate cannot be used ("{ $said }")
setting-mail-authority-do = name a PEM file with the authority under trust, or install the system's authorities
setting-directory-line = { $place }, line { $line }: this is no institution ("{ $said }")
setting-directory-line-do = correct the line: one JSON object a line
setting-directory = { $place }: the institutions in it were not taken ({ $why })
setting-directory-do = mend the cause, then start again
setting-accounts = { $place }: the accounts for the client VPN cannot be read ("{ $said }")
setting-accounts-do = check the registry, then start again

## The gate (`gate::Fault`). $place is the file, the address or the table.
gate-no-key = { $place }: [certificates] names no key of the gate
gate-no-key-do = write key = "…" for a PEM file, or [certificates.element] for a secure element
gate-two-keys = { $place }: [certificates] names two keys of the gate: one in a file, one in a secure element
gate-two-keys-do = keep one of them: key, or [certificates.element]
gate-not-a-gate = { $place }: this is not a usable certificate of the gate of { $site }: { $why }
gate-not-a-gate-do = ask the authority for a certificate issued to urn:sekisho:gate:{ $site }, or enroll the gate again; check the authorities and lists under [certificates]
gate-other-site = { $place }: this certificate is of the gate of { $found }, the configuration is of { $site }
gate-other-site-do = put the certificate of { $site } there, or correct site in the configuration
gate-element = the secure element { $module } with the token { $token }: { $why }
gate-element-do = { $mend }
gate-other-key = { $place }: this certificate is not for the key { $key } in the secure element
gate-other-key-do = fetch one with "sekisho-gate enroll --element", or name the right key under [certificates.element]
gate-tls = { $place }: TLS cannot use certificate and key together (the library says: "{ $said }")
gate-tls-do = put the certificate and the key that belong together there; if the key is lost, enroll the gate again
gate-damaged = { $place }: this is not a kept state (the reader says: "{ $said }")
gate-damaged-do = move the file away; the center sends the state anew
gate-unsound = { $place }: the kept state breaks a rule that always holds, so it is not enforced: { $why }
gate-unsound-do = keep the file as evidence, and find out who wrote it; the center sends the state anew
gate-namespace = { $place }: the network namespace cannot be entered (the system says: "{ $said }")
gate-namespace-do = create it first (the gate's systemd unit does), correct [namespaces], and start the gate as root
gate-system = the system gives no thread or no signal (it says: "{ $said }")
gate-system-do = check the machine's limits (threads, open files, memory), then start again
gate-taken-over = the other gate of the site took over
gate-taken-over-do = start this gate again: it waits beside the other one; nothing that is open is affected
gate-no-state = { $place }: no state is kept here; the center has ordered nothing yet
gate-no-state-do = let the gate reach the center and the operator apply the site's documents, then ask again
gate-socket = { $place }: the switch cannot be reached there (the system says: "{ $said }")
gate-socket-do = name the switch's OpenFlow socket, for example /run/openvswitch/br0.mgmt
gate-protocol = the switch does not speak as it should ("{ $said }")
gate-protocol-do = check that it is the right switch and that it speaks OpenFlow 1.3 (ovs-vsctl get bridge br0 protocols)
gate-silent-switch = the switch does not answer within 30 seconds
gate-silent-switch-do = check that it runs, then ask again
gate-not-a-token = this is not a whole one-time token
gate-not-a-token-do = copy it again, from sekisho-once- to its end
gate-other-token = this token is for a certificate of the kind { $label }, not for a gate
gate-other-token-do = ask the network operator for a token for this site's gate
gate-no-site = this token is for { $name }, which can be no site
gate-no-site-do = ask the network operator for a new token
gate-no-device = this token is for { $name }, which can be no device id
gate-no-device-do = ask the registration centre for a new token
gate-element-too = a provisional certificate belongs to a secure element, and none is named
gate-element-too-do = say --element too
gate-enroll-again = { $place }: it holds no certificate of the gate
gate-enroll-again-do = enroll the gate again, with a new token of the network operator
gate-register-again = { $place }: it is not this device's first-tier certificate
gate-register-again-do = register the device again, with a new token of the registration centre
gate-no-equipment = { $place }: the configuration names no first-tier certificate of this device
gate-no-equipment-do = register the device (sekisho-gate enroll with a token of the registration centre), or write its certificate and the registration authority under [equipment]
gate-papers = the center's papers cannot be used ("{ $said }")
gate-papers-do = ask the network operator; bring both sides to the same version of Sekisho
gate-other-papers = the center's papers are for { $found }, not for { $site }
gate-other-papers-do = ask the network operator
gate-papers-lack = the center's papers lack the authority or the list of { $kind } certificates
gate-papers-lack-do = ask the network operator
gate-operator = the statement of the VPN operator is not believed: { $why }
gate-operator-do = take nothing from this center; ask the registration centre who may operate the network
