portal-skip = Skip to the contents
portal-offline = No connection to the center at the moment; what is shown may be out of date.

# The live picture
portal-live-title = Live picture
portal-live-summary = { $sites ->
    [one] 1 site
   *[other] { $sites } sites
 }, { $lines ->
    [one] 1 line
   *[other] { $lines } lines
 } · as of { $at }
portal-live-attention = { $count ->
    [one] 1 site needs attention
   *[other] { $count } sites need attention
 }
portal-live-about = Sites with their zones and hosts, and the lines between them. The table below says the same in words.
portal-live-find = Find a site, a person or a service
portal-live-find-do = Find
portal-live-all = All sites
portal-live-nothing = Nothing fits “{ $what }”.
portal-live-lines = Lines
portal-live-no-lines = No line is open.
portal-live-more = { $count } more lines; find what you look for above.
portal-live-col-line = Line
portal-live-col-who = Who
portal-live-col-from = From
portal-live-col-to = To
portal-live-col-service = Service
portal-live-col-state = State
portal-live-col-until = Until
portal-live-cut = Cut
portal-live-cut-label = Cut line { $grant } of { $person }
portal-live-linked = gate linked
portal-live-away = gate away
portal-live-behind = not in force yet
portal-live-alarms = { $count ->
    [one] 1 alarm
   *[other] { $count } alarms
 }
portal-live-more-hosts = { $count ->
    [one] and 1 more host
   *[other] and { $count } more hosts
 }
portal-live-until = until { $at }
portal-live-many = { $count } lines
portal-live-band-attention = Needs attention
portal-live-band-idle = Without a line
portal-live-serves = { $count ->
    [one] 1 line in
   *[other] { $count } lines in
 }
portal-live-from-sites = { $count ->
    [one] from 1 site
   *[other] from { $count } sites
 }
portal-legend = Legend
