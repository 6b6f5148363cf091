# plan: why no plan can be made (in O010)
plan-not-an-end = { $grant } has no end at { $site }
plan-unknown-host = host { $host } of { $site } is not described with the address that { $grant } has
plan-already-open = { $grant } is open already
plan-not-open = { $grant } is not open
plan-service-changed = the service was changed since the line was opened
plan-misfit = the change does not fit the state of { $site } ("{ $said }")
plan-unwritable = the documents cannot be written down as they are ("{ $said }")
