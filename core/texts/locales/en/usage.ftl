### What a person types to a program: why it cannot be read, and the program's help.

usage-heading = Usage
usage-commands = Commands
usage-arguments = Arguments
usage-options = Options
usage-help = Show this help
usage-version = Show name and version
usage-default = (if absent: { $values })
usage-environment = (in the environment: { $values })
usage-values = (one of: { $values })
usage-values-below = one of these:

usage-like = perhaps { $like } was meant
usage-see-help = { $program } --help tells what can be typed

usage-unknown = nobody expects { $given } here
usage-unknown-do = { $hint }
usage-no-command = there is no command { $given }
usage-no-command-do = { $hint }
usage-missing = this is missing: { $what }
usage-missing-do = add it; { $hint }
usage-needs-command = a command is missing, one of: { $commands }
usage-needs-command-do = add one; { $hint }
usage-no-such-value = { $given } is no value of { $argument }, which is one of: { $values }
usage-no-such-value-do = { $hint }
usage-unreadable = { $given } is no value of { $argument } (its reader says: "{ $said }")
usage-unreadable-do = correct the value; { $hint }
usage-needs-value = { $argument } needs a value
usage-needs-value-do = add it; { $hint }
usage-other-number = { $argument } has too few values or too many
usage-other-number-do = { $hint }
usage-twice = { $argument } was given twice
usage-twice-do = keep one of them
usage-conflict = { $argument } does not go together with { $others }
usage-conflict-do = leave one of them out; { $hint }
usage-not-text = a word is not text in UTF-8
usage-not-text-do = type it anew, or name the file differently; { $hint }
usage-other = what was typed cannot be read (its reader says: "{ $said }")
usage-other-do = { $hint }
