# 機器のアプリケーション（AP、G1 表の 9 と 12）：行ったこと、行わなかった理由（Q101…。ほかに Q001…、P…）
application-q101 = 許可証 { $number }（発行：{ $issuer }）は、この機器ですでに使われています。許可証は一度だけ使えます
application-q101-do = 機器登録管理センターに新しい許可証を依頼してください
application-q102 = アプリケーション { $name } は搭載されていません
application-q102-do = 搭載済みのものは `sekisho-gate application list` で確かめられます
application-q103 = { $name } のパッケージが搭載時と異なります。変更されたか、失われています
application-q103-do = 誰が変更したかを調べ、新しい許可証でパッケージを搭載し直してください
application-q104 = アプリケーションの台帳 { $path } を読めません（「{ $said }」）
application-q104-do = バックアップから戻してください。台帳がない間、アプリケーションは動かせません
application-q105 = { $why }
application-q105-do = { $mend }。そのあと、もう一度行ってください。何も変更していません
application-q106 = この機器の ID、または信頼する認証局がわかりません：{ $why }
application-q106-do = { $mend }

application-installed = 搭載しました：{ $name } { $version }、{ $length } オクテット、許可証 { $number }（発行：{ $issuer }）
application-deleted = 削除しました：{ $name } { $version }、許可証 { $number }（発行：{ $issuer }）
application-row = { $name } { $version }、許可証 { $number }（発行：{ $issuer }）、期限 { $until }
application-none = 搭載されているアプリケーションはありません
