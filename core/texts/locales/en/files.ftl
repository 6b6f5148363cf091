### What is wrong with files and addresses that programs are given (`files::Defect`). $place is the file, the address or
### the table of the configuration; $said what the system or a library says itself.

file-wanted-certificate = certificate
file-wanted-private-key = private key
file-wanted-public-key = public key
file-wanted-request = request for a certificate
file-wanted-list = revocation list

file-no-configuration = { $place }: there is no such configuration file (the system says: "{ $said }")
file-no-configuration-do = name the configuration with --config, or put it there; the guide shows an example
file-missing = { $place }: there is no such file or folder (the system says: "{ $said }")
file-missing-do = put it there, or correct the path
file-forbidden = { $place }: the account of this program may not open it or write to it (the system says: "{ $said }")
file-forbidden-do = give the account that runs this program the right to it and to the folders above it (chown, chmod)
file-read-only = { $place }: nothing can be written there (the system says: "{ $said }")
file-read-only-do = name a folder that can be written, or mount this one for writing; under systemd it belongs into ReadWritePaths=
file-full = { $place }: the disk is full (the system says: "{ $said }")
file-full-do = make room on the disk, then try again
file-is-folder = { $place }: this is a folder, and a file is needed (the system says: "{ $said }")
file-is-folder-do = name the file in it
file-not-folder = { $place }: a part of this path is a file, and a folder is needed (the system says: "{ $said }")
file-not-folder-do = correct the path, or move the file away
file-exists = { $place }: something else of this name is there already (the system says: "{ $said }")
file-exists-do = move it away, or choose another name
file-io = { $place }: it cannot be read or written (the system says: "{ $said }")
file-io-do = mend what the system says, then try again
file-not-text = { $place }: this is not text in UTF-8
file-not-text-do = save the file as text in UTF-8, or name the right file
file-address-taken = { $place }: another program listens at this address already (the system says: "{ $said }")
file-address-taken-do = end the other program ("ss -ltnp" shows it), or choose another address or port
file-address-elsewhere = { $place }: this machine does not have this address (the system says: "{ $said }")
file-address-elsewhere-do = give the machine this address ("ip address" shows those it has), or correct it in the configuration
file-port-forbidden = { $place }: this program may not listen at this port (the system says: "{ $said }")
file-port-forbidden-do = give it the right to ports below 1024 (systemd: AmbientCapabilities=CAP_NET_BIND_SERVICE), or choose a higher one
file-nobody-listens = { $place }: nobody answers there (the system says: "{ $said }")
file-nobody-listens-do = start the program that should answer there, or correct the address

file-no-pem = { $place }: no { $wanted } in PEM form is in it
file-no-pem-do = put the { $wanted } there, from the line "-----BEGIN …" to "-----END …", or name the file that holds it
file-broken-pem = { $place }: the { $wanted } in it is damaged (the reader says: "{ $said }")
file-broken-pem-do = copy the whole file again from where it was made
file-unreadable = { $place }: the { $wanted } cannot be read (the reader says: "{ $said }")
file-unreadable-do = it is damaged or something else: put the right file there
file-not-p256 = { $place }: the key in it is not ECDSA P-256 in PKCS#8 form (the reader says: "{ $said }")
file-not-p256-do = make one with "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256"
file-unusable-key = { $place }: TLS cannot use this key (the library says: "{ $said }")
file-unusable-key-do = use an ECDSA P-256 key in PKCS#8 form, and the certificate that was issued for it
file-not-the-pair = { $place }: this key is not that of the certificate in { $certificate }
file-not-the-pair-do = name the certificate and the key that belong together; if the key is lost, have a new certificate issued
file-open-to-others = { $place }: others may read this secret (mode { $mode })
file-open-to-others-do = chmod 600 it, and chown it to the account that runs this program
file-no-pin = { $place }: its first line holds no PIN
file-no-pin-do = write the PIN into the first line
file-neither-nor = { $place }: it holds neither a certificate nor a revocation list
file-neither-nor-do = put the right file there, or take it out of the folder
file-no-anchor = { $place }: the folder holds no certificate of a root authority
file-no-anchor-do = put the self-signed certificate of the authority that is to be trusted there, as a .pem file
file-not-authority = { $place }: "{ $subject }" is not a certification authority
file-not-authority-do = put the authority's own certificate there, not one that it issued
file-forged-authority = { $place }: the signature of "{ $subject }" on its own certificate is wrong
file-forged-authority-do = the file is damaged or forged: get it again from the authority, by a way you trust
file-weak-key = { $place }: "{ $subject }" has a key that is not accepted ({ $found })
file-weak-key-do = ask the authority for a certificate with an accepted key: ECDSA P-256 or P-384, or RSA from 2048 bits
file-bad-policy = { $place }: "{ $found }" is no object identifier
file-bad-policy-do = write policies as numbers and dots, for example 1.2.392.100495.1.5.1.1.0.1
file-list-of-nobody = { $place }: this revocation list is of "{ $issuer }", and no authority of this name is trusted here
file-list-of-nobody-do = put the certificate of that authority beside it, or take the list out
file-list-forged = { $place }: this revocation list was not signed by "{ $issuer }"
file-list-forged-do = the file is damaged or forged, or the authority has a new key: get list and certificate again
file-list-unsupported = { $place }: revocation lists of "{ $issuer }" of this kind are not read ("{ $said }")
file-list-unsupported-do = get the authority's complete list
file-list-older = { $place }: a newer revocation list of "{ $issuer }" is there too
file-list-older-do = take the older one out
file-answer = { $place }: this OCSP answer cannot be used (the reader says: "{ $said }")
file-answer-do = take it out, or get a new answer from the responder
