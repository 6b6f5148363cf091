# What operators see of everybody's submissions (R12).
page-overseen-title = Submissions
page-overseen-lead = What institutions submitted, and how each submission stands. What is in a file is not shown; that a receipt was fetched here is recorded.
page-overseen-any = Any
page-overseen-institution = Institution
page-overseen-from = Begun from
page-overseen-until = to
page-overseen-filter = Show
page-overseen-none = No submission fits.

page-parts = Further entries
page-parts-older = Older submissions

api-path-vpn = The VPN-ID.
api-call-list-all-submissions = Submissions of every institution, newest first; never what is in a file
api-call-see-any-submission = One submission and how it stands
api-call-see-any-receipt = The signed receipt of an accepted submission; that it was fetched is recorded
api-call-list-vpn-lines = Who is connected to the client VPN now
api-call-end-vpn-line = End every line of a VPN-ID; the account is not suspended by it
api-problem-vpn-unknown = Whether anybody is connected is not known: the VPN server does not answer, or the center has none
api-problem-vpn-unknown-do = Ask again later, or look after the VPN server
api-problem-line-not-in = This line could not be ended
api-problem-line-not-in-do = It may have ended by itself. Look at the list again
page-parts-next = Next
page-parts-previous = Previous
page-sites-words = Site, name or institution
page-sites-find = Find
page-sites-total = { $count ->
    [one] One site
   *[other] { $count } sites
}
page-sites-none-found = No site fits.
