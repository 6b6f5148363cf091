# remote_access

remote-access-began = { $vpn } ({ $institution }) is connected from { $address } as { $inside }, on machine { $machine }
remote-access-ended = { $vpn } ({ $institution }) from { $address } is no longer connected: { $why }
remote-access-refused = { $code } a client at { $address } was not let in (VPN-ID { $vpn }, machine { $machine }): { $why }

remote-access-cause-v01 = The machine showed no certificate. Install the machine certificate there and name it in the profile.
remote-access-cause-v02 = The machine's certificate is not one of ours. Have the machine enrolled, and remove the foreign certificate from its profile.
remote-access-cause-v03 = The machine's certificate was revoked. If the machine is in good hands, have a new certificate issued to it.
remote-access-cause-v04 = The machine's certificate is not valid yet or no longer. Check the machine's clock, then have the certificate renewed.
remote-access-cause-v05 = No current revocation list tells about the machine's certificate. The center's side is at fault: publish a new list.
remote-access-cause-v06 = The machine is good, but this account may not be used on it. Use the institution's own machine, or have this one added to the account.
remote-access-cause-v11 = There is no such VPN-ID. The person compares it with the letter of approval.
remote-access-cause-v12 = The account is locked. Check by telephone who tried, then unlock it.
remote-access-cause-v13 = The account is closed. The institution applies again if it needs it.
remote-access-cause-v14 = The VPN password is wrong. The person types it again; if it is lost, a new one is issued.
remote-access-cause-v21 = strongSwan had just started and did not have this account yet. The person tries again in a minute.
remote-access-cause-v29 = Authentication failed for another reason. strongSwan's own log at this moment tells which.

remote-access-ending-e01 = the person disconnected, or the line broke
remote-access-ending-e02 = an operator cut the session
remote-access-ending-e03 = the account was locked
remote-access-ending-e04 = the account was closed
remote-access-ending-e05 = the VPN password was changed
remote-access-ending-e06 = the machine's certificate was revoked
remote-access-ending-e07 = the account may not be used on this machine
remote-access-ending-e08 = strongSwan ended; the person connects again

# Kinds of clients, as downloads are named
remote-access-kind-strongswan = Linux (strongSwan)
remote-access-kind-networkmanager = Linux (NetworkManager)
remote-access-kind-windows = Windows
remote-access-kind-apple = macOS, iOS, iPadOS
remote-access-download = { $kind }: { $file }
remote-access-manual = { $kind }: manual
