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
