# What operators see of everybody's submissions (R12).
page-overseen-title = Submissions
page-overseen-lead = What institutions submitted, and how each submission stands. What is in a file is not shown; that a receipt was fetched here is recorded.
page-overseen-any = Any
page-overseen-institution = Institution
page-overseen-from = Begun from
page-overseen-until = to
page-overseen-filter = Show
page-overseen-more = The newest { $count } are shown. Narrow the period or the institution to see others.
page-overseen-none = No submission fits.
