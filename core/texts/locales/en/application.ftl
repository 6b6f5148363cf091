# Applications on a device (G1 rows 9 and 12): what was done, and why not (Q101…; Q001… and P… besides).
application-q101 = the permit { $number } of { $issuer } was used on this device before; each is good once
application-q101-do = ask the registration centre for a new permit
application-q102 = no application { $name } is installed
application-q102-do = see what is installed with `sekisho-gate application list`
application-q103 = the package of { $name } is not what was installed: it was changed, or is gone
application-q103-do = find out who changed it; then install the package again with a new permit
application-q104 = the register of applications { $path } cannot be read ("{ $said }")
application-q104-do = restore it from a backup; without it no application is run
application-q105 = { $why }
application-q105-do = { $mend }. Then try again; nothing was changed
application-q106 = this device does not know who it is, or whom to believe: { $why }
application-q106-do = { $mend }

application-installed = installed { $name } { $version }, { $length } octets, by permit { $number } of { $issuer }
application-deleted = deleted { $name } { $version }, by permit { $number } of { $issuer }
application-row = { $name } { $version }, permit { $number } of { $issuer } until { $until }
application-none = no application is installed
