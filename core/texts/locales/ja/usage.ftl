### コマンドの入力：読み取れない理由と、プログラムのヘルプ

usage-heading = 使い方
usage-commands = コマンド
usage-arguments = 引数
usage-options = オプション
usage-help = このヘルプを表示
usage-version = 名前と版を表示
usage-default = （省略時：{ $values }）
usage-environment = （環境変数：{ $values }）
usage-values = （次のいずれか：{ $values }）
usage-values-below = 次のいずれか：

usage-like = { $like } ではありませんか
usage-see-help = 入力できるものは { $program } --help で確かめてください

usage-unknown = ここに { $given } は入力できません
usage-unknown-do = { $hint }
usage-no-command = { $given } というコマンドはありません
usage-no-command-do = { $hint }
usage-missing = 必要なものが入力されていません：{ $what }
usage-missing-do = 加えて入力してください。{ $hint }
usage-needs-command = コマンドが入力されていません。次のいずれかが必要です：{ $commands }
usage-needs-command-do = 一つを加えて入力してください。{ $hint }
usage-no-such-value = { $argument } の値に { $given } は使えません。次のいずれかです：{ $values }
usage-no-such-value-do = { $hint }
usage-unreadable = { $argument } の値 { $given } を読み取れません（読み取り機能の表示：「{ $said }」）
usage-unreadable-do = 値を直してください。{ $hint }
usage-needs-value = { $argument } には値が必要です
usage-needs-value-do = 値を加えて入力してください。{ $hint }
usage-other-number = { $argument } の値の数が違います
usage-other-number-do = { $hint }
usage-twice = { $argument } が 2 回入力されています
usage-twice-do = どちらか一つにしてください
usage-conflict = { $argument } は { $others } と一緒には使えません
usage-conflict-do = どちらか一つを除いてください。{ $hint }
usage-not-text = 入力の中に、UTF-8 ではない文字があります
usage-not-text-do = 入力し直すか、ファイルの名前を変えてください。{ $hint }
usage-other = 入力を読み取れません（読み取り機能の表示：「{ $said }」）
usage-other-do = { $hint }
