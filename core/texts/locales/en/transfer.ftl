# Export and import of what is applied (N10)
registration-refused-not-tried = This is not what was tried: it is another file, or something else was applied since
registration-refused-not-tried-do = Try the file again, look at what it changes now, and confirm that

page-transfer-title = Configuration
page-transfer-lead = Everything that is applied: institutions, sites with their lines, equipment and whitelists, services and agreements.
page-transfer-export = Export
page-transfer-export-lead = One file with a version and a checksum, for another center or for the drawer. That it was taken out is recorded.
page-transfer-export-do = Download the file
page-transfer-import = Import
page-transfer-import-lead = First it is tried and nothing changes: you see what the file would add, change and remove. Only what you saw can be taken in.
page-transfer-file = File
page-transfer-file-hint = What was exported (JSON), or a document (TOML); at most { $mebibytes } MiB. Longer ones by the command “sekisho import”.
page-transfer-text = Or paste it
page-transfer-try = Try it
page-transfer-empty = Choose a file, or paste it
page-transfer-not-text = This file is no text. Choose the file as it was exported
page-transfer-too-long = What was sent is too long.
page-transfer-too-long-do = Send at most { $mebibytes } MiB, or use the command “sekisho import”.
page-transfer-trial = What it would change
page-transfer-trial-of = Trial of { $name }. Nothing has changed yet.
page-transfer-nothing = Nothing: everything in this file is applied already.
page-transfer-count = added { $added }, changed { $changed }, removed { $removed }
page-transfer-consequences = What follows
page-transfer-proof = Both proofs agree that nothing passes which must not.
page-transfer-sites = Sites whose switches and gateways get new rules: { $count }
page-transfer-no-sites = No site gets new rules.
page-transfer-ended = Live connections that end at once: { $count }
page-transfer-no-ended = No live connection ends.
page-transfer-take = Take in what is shown
page-transfer-other = Choose another file
page-transfer-taken = Taken in
page-transfer-taken-lead = What is shown below is applied now, and recorded.
page-transfer-refused = Nothing has changed.
page-transfer-added = added
page-transfer-changed = changed
page-transfer-removed = removed
page-transfer-institution = Institution
page-transfer-site = Site
page-transfer-service = Service
page-transfer-agreement = Agreement
page-transfer-col-change = Change
page-transfer-col-what = What
page-transfer-col-id = Id
page-transfer-col-values = Values
page-transfer-values = { $count ->
    [one] One value
   *[other] { $count } values
}
page-transfer-absent = none

api-call-export-configuration = Everything that is applied, as the file that can be imported; that it was taken out is recorded
api-call-try-import = See what a file would change; nothing changes
api-call-import-configuration = Take in a file that was tried
