# Why a certificate is refused (P…). bearer is "this card" and the like; kind is card, device, gate or institution.
bearer-card = this card
bearer-device = the device certificate of this terminal
bearer-gate = the certificate of this site's gate
bearer-institution = the certificate of this institution

revocation-unspecified = no reason stated
revocation-keyCompromise = its key leaked or may have leaked
revocation-cACompromise = the issuer's key leaked or may have leaked
revocation-affiliationChanged = change of affiliation
revocation-superseded = replaced by a new one
revocation-cessationOfOperation = no longer in use
revocation-certificateHold = suspended
revocation-removeFromCRL = taken off the list
revocation-privilegeWithdrawn = qualification withdrawn
revocation-aACompromise = the key of the attributes' issuer leaked or may have leaked

pki-p001 = certificate { $index } of { $bearer } cannot be read ({ $what }, byte { $offset })
pki-p001-do = { $kind ->
    [card] insert the card again; if that does not help, ask its issuer
   *[other] install the certificate again; if that does not help, ask its issuer
}
pki-p002 = { $bearer } comes with { $found } certificates; 1 to { $max } are needed
pki-p002-do = check how the certificate is configured; if that does not help, ask its issuer
pki-p003 = { $bearer } is not of an accepted issuer ({ $subject }, issued by { $issuer })
pki-p003-do = { $kind ->
    [card] use an HPKI authentication card; if this is one, ask the network operator to register its issuer
   *[other] use a certificate of an issuer that the network operator accepts
}
pki-p004 = { $bearer } may be forged: the signature of { $issuer } on it is wrong ({ $subject })
pki-p004-do = { $kind ->
    [card] do not use this card; tell the administrator and the issuer printed on it
   *[other] stop using this machine; tell the administrator and the network operator
}
pki-p005 = { $bearer } is valid only from { $at } ({ $subject })
pki-p005-do = wait until then; see also whether the clock of the terminal is right
pki-p006 = { $bearer } expired at { $at } ({ $subject })
pki-p006-do = { $kind ->
    [card] have the card renewed by its issuer
   *[other] ask the administrator to renew the certificate
}
pki-p007 = the issuer of { $bearer } ({ $subject }) may not issue certificates ({ $why })
pki-p007-do = { $kind ->
    [card] do not use this card; tell the administrator
   *[other] do not use this certificate; tell the administrator and the network operator
}
pki-p008 = { $bearer } was revoked at { $at } ({ $reason }; { $subject }, serial { $serial })
pki-p008-do = { $kind ->
    [card] apply to its issuer for a new card; if the revocation surprises you, tell the administrator
   *[other] ask the administrator for a new certificate
}
pki-p009 = whether { $bearer } is revoked cannot be known: there is no revocation list of { $issuer }
pki-p009-do = ask the network operator to fetch the revocation list; until then nothing opens
pki-p010 = whether { $bearer } is revoked cannot be known: the revocation list of { $issuer } expired at { $at }
pki-p010-do = ask the network operator to renew the revocation list; until then nothing opens
pki-p011 = whether { $bearer } is revoked cannot be known: the revocation list of { $issuer } is of { $at }, older than { $max-age } hours
pki-p011-do = ask the network operator to renew the revocation list; until then nothing opens
pki-p012 = whether { $bearer } is revoked cannot be known: the revocation list of { $issuer } is dated in the future ({ $at })
pki-p012-do = ask the network operator to check the clock of the center and the revocation list
pki-p013 = the key of { $bearer } may not be used to sign in (usage { $found }: { $why })
pki-p013-do = { $kind ->
    [card] use an HPKI authentication card
   *[other] ask the administrator for a certificate with the right usage
}
pki-p014 = { $bearer } is for signatures, not for authentication (usage { $found })
pki-p014-do = choose the authentication card (or the authentication certificate); use the signature one only to sign documents
pki-p015 = the certificate policy of { $bearer } is not accepted ({ $found })
pki-p015-do = { $kind ->
    [card] use an HPKI authentication card; if this is one, ask the network operator to register its policy
   *[other] ask the administrator for a certificate with the right policy
}
pki-p016 = { $bearer } does not state its certificate policy as critical
pki-p016-do = ask the issuer; a certificate that follows the HPKI profile is needed
pki-p017 = { $bearer } has a critical extension that is not understood ({ $oid }, { $subject })
pki-p017-do = ask the network operator
pki-p018 = { $bearer } states no healthcare qualification
pki-p018-do = use an HPKI authentication card that states a qualification
pki-p019 = the qualification on { $bearer } cannot be read ({ $why }, byte { $offset })
pki-p019-do = ask the issuer of the card
pki-p020 = { $bearer } states several qualifications ({ $texts }); which one counts cannot be told
pki-p020-do = use a card with one qualification; if you have none, ask the issuer of the card
pki-p021 = { $bearer } says { $text }, which is not a registered qualification
pki-p021-do = check the qualification with the issuer of the card; if it is right, ask the network operator to register it
pki-p022 = the key of { $bearer } ({ $key }) is not strong enough ({ $subject })
pki-p022-do = ask the issuer for one with a key that meets the rules
pki-p023 = { $bearer } is signed with an algorithm that is not accepted: { $algorithm } ({ $subject })
pki-p023-do = ask the issuer for one signed with an accepted algorithm
pki-p024 = the subject of { $bearer } lacks { $missing }
pki-p024-do = ask the issuer to correct it
pki-p025 = { $bearer } lacks the purpose { $missing }
pki-p025-do = ask the administrator for a certificate with the right purpose
pki-p026 = the identity in { $bearer } is wrong (expected { $expected }, found { $found })
pki-p026-do = ask the administrator for a certificate made for this machine or institution
pki-p027 = { $subject } is the certificate of an issuer, not of a person or machine
pki-p027-do = use the card of the person, or the certificate of the machine
pki-p028 = the answer of the card does not fit the challenge of this connection
pki-p028-do = insert the card again and connect again; if this repeats, stop using this terminal and tell the administrator
pki-p029 = { $bearer } ({ $subject }) names another issuing key than that of { $issuer }
pki-p029-do = ask the issuer; a certificate of an older issuer may be mixed in
pki-p030 = whether { $bearer } is revoked cannot be known: there is no answer of the OCSP responder of { $issuer }
pki-p030-do = try again in a moment; if it stays so, ask the network operator to see why the responder does not answer; until then nothing opens
pki-p031 = whether { $bearer } is revoked cannot be known: the answer of the OCSP responder of { $issuer } expired at { $at }
pki-p031-do = ask the network operator to see why the responder gives no newer answer; until then nothing opens
pki-p032 = whether { $bearer } is revoked cannot be known: the answer of the OCSP responder of { $issuer } is of { $at }, older than { $max-age } hours
pki-p032-do = ask the network operator to see why the responder gives no newer answer; until then nothing opens
pki-p033 = whether { $bearer } is revoked cannot be known: the answer of the OCSP responder of { $issuer } is dated in the future ({ $at })
pki-p033-do = ask the network operator to check the clock of the center and the responder
pki-p034 = the OCSP responder of { $issuer } does not know { $bearer } ({ $subject }, serial { $serial })
pki-p034-do = { $kind ->
    [card] ask the issuer of the card whether it is still in its records; if you did not expect this, tell the administrator
   *[other] ask the administrator for a new certificate; tell the network operator
}
pki-p035 = whether { $bearer } is revoked cannot be known: the OCSP responder { $responder } of { $issuer } cannot be believed ({ $why })
pki-p035-do = ask the network operator to have the issuer renew the responder's certificate; until then nothing opens

# Why a revocation list is not taken (C…); the one held before stays in force.
pki-c001 = the file is not a revocation list ({ $what }, byte { $offset })
pki-c001-do = fetch the list again, in DER form
pki-c002 = the revocation list is of { $issuer }, which is not configured
pki-c002-do = add the certificate of the issuer to the anchors or intermediates
pki-c003 = the revocation list was not signed by { $issuer }
pki-c003-do = fetch the list again from the issuer
pki-c004 = the revocation list of { $issuer } is of a kind that is not supported ({ $what })
pki-c004-do = ask the issuer for a complete, direct list
pki-c005 = the revocation list of { $issuer } of { $offered } is older than the one held, of { $held }
pki-c005-do = fetch the current list; an older one would undo revocations

# Why the answer of an OCSP responder is not taken (C…); what was held before stays in force.
pki-c006 = these bytes are not an OCSP response ({ $what }, byte { $offset })
pki-c006-do = see whether the address is that of the responder and no proxy answers in its place
pki-c007 = the OCSP responder would not answer ({ $status })
pki-c007-do = tryLater and internalError pass by themselves; for the others ask who runs the responder
pki-c008 = the OCSP response is about certificates of no configured issuer
pki-c008-do = add the certificate of the issuer to the anchors or intermediates, or ask the right responder
pki-c009 = the OCSP response was not signed for { $issuer }
pki-c009-do = ask again; if this repeats, somebody may be answering in the responder's place: tell the issuer
pki-c010 = { $responder } may not answer for { $issuer } ({ $why })
pki-c010-do = ask the issuer to certify its responder for OCSP, directly by the same authority
pki-c011 = the OCSP response is of a kind that is not supported ({ $what })
pki-c011-do = ask the issuer for basic responses without critical extensions
pki-c012 = the OCSP answer about { $serial } of { $issuer } of { $offered } is older than the one held, of { $held }
pki-c012-do = ask again; an older answer would undo a revocation
pki-c013 = the OCSP response is signed with an algorithm that is not accepted: { $algorithm }
pki-c013-do = ask the issuer to sign with an accepted algorithm
pki-c014 = the OCSP response does not answer about { $serial } of { $issuer }
pki-c014-do = see whether the address is that of the responder of this issuer

# Algorithms refused by the profile (G3)
pki-algorithm = { $token } is not accepted ({ $code })
pki-algorithm-do = use IKEv2 with the proposals that are set by default
