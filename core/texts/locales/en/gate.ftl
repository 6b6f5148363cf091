# gate

gate-fallback-title = No link to the center
gate-fallback-what = This site's gate cannot reach the center at the moment. Lines that are open stay open until their lease ends; none can be opened, extended or closed here until the link is back.
gate-fallback-do = This page tries again every ten seconds. If it stays, check the access line, then call its operator.
gate-fallback-none = No line is open at this site.
gate-fallback-lines = Lines open at this site
gate-fallback-service = Service
gate-fallback-between = From and to
gate-fallback-left = Time left
gate-fallback-minutes = { $minutes } min
gate-audit-strange = not a rule of ours: { $entry }
gate-audit-strange-do = the running gate removes it within a second of its being written; if it stands, the gate is not connected: `sekisho status`
gate-audit-missing = wanted, and not on the switch: { $rule }
gate-audit-missing-do = the running gate installs it; if it stays away, see why the switch refuses it in the gate's log
gate-audit-surplus = on the switch, and not wanted (any more): { $rule }
gate-audit-surplus-do = the running gate removes it; until then what it lets through is what it says
gate-audit-unsaid = { $rule } (no entry of OpenFlow: { $error })
gate-audit-proved = proved: { $entries } entries are exactly the state of generation { $generation }, and it holds
gate-audit-unlike = proved, but not what is wanted: the { $entries } entries break no invariant; generation { $generation } says something else, see above
gate-audit-refuted = refuted: { $id } { $statement }
gate-audit-packet = packet: { $packet }
gate-audit-path = way: { $hop }
gate-audit-because = because: { $because }
gate-audit-do = what to do: { $remedy }
