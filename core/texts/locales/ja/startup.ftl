### プログラムが起動しない理由、続けられない理由、ゲートを登録できない理由

## 鍵と、鍵の入ったセキュアエレメント（`keys::Unusable`）
key-no-module = PKCS#11 モジュール { $module } を読み込めません（システムの表示：「{ $said }」）
key-no-module-do = セキュアエレメントのモジュールを導入するか、パスを直してください
key-no-token = セキュアエレメントがありません
key-no-token-do = 接続するか、必要な中継プログラムを起動するか、トークンを初期化してください
key-other-token = ラベルが「{ $wanted }」のトークンがありません。見つかったもの：「{ $found }」
key-other-token-do = 正しいセキュアエレメントを接続するか、トークンのラベルを直してください
key-several-tokens = トークンが複数あります：「{ $found }」
key-several-tokens-do = ラベルで一つを指定してください
key-wrong-pin = セキュアエレメントが PIN を拒否しました
key-wrong-pin-do = 正しい PIN をファイルに書き、起動し直してください。何度も間違えるとロックされます
key-last-try = 次に PIN を間違えるとセキュアエレメントがロックされるため、試していません
key-last-try-do = 正しい PIN を手動で入力して解除し、その PIN をファイルに書いてから、起動し直してください
key-locked = PIN の誤りが重なり、セキュアエレメントがロックされています
key-locked-do = 管理者（セキュリティオフィサー）の PIN で解除するか、鍵を作り直してください
key-empty = セキュアエレメントに、秘密鍵と対になる証明書がありません
key-empty-do = 鍵を作り、証明書を取得してください
key-module = セキュアエレメントのモジュールが異常を報告しました（「{ $said }」）
key-module-do = 報告された原因を取り除いてください。直らない場合は、接続し直し、中継プログラムを再起動してください
key-no-such-key = セキュアエレメントに、ラベルが「{ $label }」の鍵がありません
key-no-such-key-do = 「pkcs11-tool --list-objects」で確かめてラベルを直すか、「sekisho-gate enroll --element」で作ってください
key-pin-refused = セキュアエレメントが PIN を拒否しました。ロックを避けるため、再試行していません
key-pin-refused-do = 正しい PIN をファイルに書き、起動し直してください
key-no-randomness = コンピューターから乱数を得られません
key-no-randomness-do = 起動し直してください。続く場合は、コンピューターを点検してください

## 機器とセンターの間（`enrolment::Exchange`）
exchange-address = 「{ $found }」はアドレスではありません
exchange-address-do = https://ホスト:ポート の形で指定してください
exchange-unreachable = センター（{ $address }）に接続できません（システムの表示：「{ $said }」）
exchange-unreachable-do = センターが動いていること、そこまでの回線とファイアウォール、センターの証明書の認証局の指定を確かめてください
exchange-silent = センター（{ $address }）から応答がありません
exchange-silent-do = 回線とファイアウォールを確かめてください。ほかからは接続できる場合は、ネットワーク事業者に連絡してください
exchange-refused = { $code } { $what }
exchange-refused-do = { $mend }
exchange-nonsense = { $address } の応答は、センターのものではありません（「{ $said }」）
exchange-nonsense-do = アドレスを確かめ、双方の Sekisho を同じ版にそろえてください

## 終了するプログラムの最後の表示（`texts::last_words`）
startup-fails = { $program } を起動できません
startup-stops = { $program } を続けられないため、終了します
startup-command-fails = { $program } は実行できませんでした
startup-check-fails = { $program }：誤りが { $count } 件あります。何も起動していません
startup-reason = { $code } { $why }
startup-side-center = センターを動かすコンピューター
startup-side-gate = ゲートを動かすコンピューター
startup-side-line = ゲートからセンターまでの回線、またはセンターのコンピューター
startup-side-network = センターを運用する側
startup-side-authority = ゲートの証明書を発行する側
startup-center-checked = { $path } に誤りはありません。設定、証明書と鍵、命令に署名する鍵、信頼フォルダ、そのほか設定にあるすべてのファイルを確かめました。何も起動していません（アドレスと台帳は、起動時に確かめます）
startup-gate-checked = { $path } に誤りはありません。設定、拠点 { $site } のゲートの証明書（{ $until } まで有効）と鍵、認証局、失効リスト、センターの命令の公開鍵を確かめました。何も起動していません（アドレスとネットワーク名前空間は、起動時に確かめます）

## センター全体（`center::RunError`）
startup-unsound = 台帳の内容を信頼できません（{ $why }）
startup-unsound-do = 台帳を証拠として保全し、最後のバックアップから復元してください
startup-system = システムがスレッドやシグナルを使わせません（システムの表示：「{ $said }」）
startup-system-do = コンピューターの上限（スレッド数、開けるファイル数、メモリー）を確かめて、起動し直してください
startup-ended = 終わるはずのない部分が終わりました：{ $part }
startup-ended-do = この表示の前のログを確かめ、起動し直してください。繰り返す場合は、Sekisho の不具合として報告してください
startup-part-pages = 運用担当者のブラウザの受け付け
startup-part-devices = 失効した機器の処理
startup-part-issued-lists = センターが発行する失効リストの更新
startup-part-certificates = 証明書の発行窓口
startup-part-gates = ゲートの受け付け
startup-part-operators = 運用担当者のソケット
startup-part-leases = 期限の監視
startup-part-lists = 失効リストの監視
startup-part-answers = OCSP 応答の更新
startup-part-public = 公開の入口
startup-part-inside = クライアント VPN の中の入口
startup-part-service = サービスの入口
startup-part-letters = メールの送信
startup-part-ended-accounts = 終了したアカウントの証明書の失効
startup-part-applications = 利用申請の処理
startup-part-reports = 提出ファイルの処理
startup-part-vpn = クライアント VPN の制御
startup-part-accounts = アカウントの監視
startup-part-vpn-record = クライアント VPN の記録
startup-part-panicked = センターの一部

## センターの設定（`center::Setting`）。$place はファイルまたは設定の表
setting-no-center-name = { $place }：証明書に、センターの名前がありません
setting-no-center-name-do = urn:sekisho:center:<名前> の入った証明書の発行を受けてください
setting-passwords = { $place }：パスワードの規則「{ $found }」はありません
setting-passwords-do = 次のどれかを指定してください：{ $known }
setting-not-on-offer = { $place }：サービス「{ $service }」は提供されていません
setting-not-on-offer-do = service には、[[joining.service]] にあるものを指定してください：{ $known }
setting-scanner-afar = { $place }：ウイルス検査プログラム（{ $address }）が別のコンピューターにあります。そこまでの通信は暗号化されません
setting-scanner-afar-do = clamd には、このコンピューターのソケットまたはアドレスを指定してください
setting-inside-address = { $place }：[joining.vpn] を使う場合、内側の入口は { $found } で待ち受けられません
setting-inside-address-do = クライアント VPN の中からだけ届く IPv4 アドレスを一つ指定してください
setting-nothing-named = { $place }：名前が .{ $ending } で終わるファイルが、フォルダにありません
setting-nothing-named-do = [joining.vpn] に machine-ca と machine-crl を指定するか、センターで証明書を発行してください（[issuing]）
setting-seal = { $place }：封をする鍵のファイルではありません
setting-seal-do = 鍵を 1 行に一つ、32 オクテットの Base64 で、現在の鍵を最初に書いてください。「openssl rand -base64 32」で作れます
setting-credentials-open = { $place }：このコンピューターのだれでも開けます（モード { $mode }）
setting-credentials-open-do = 「chmod o=」で、ほかの人の権限をなくしてください
setting-credentials = { $place }：メールアカウントの名前とパスワードの形式ではありません
setting-credentials-do = name = "…" と password = "…" の 2 行を書いてください
setting-mail-from = { $place }：from の「{ $found }」は、メールアドレスではありません（「{ $said }」）
setting-mail-from-do = noreply@center.example のようなアドレスを書いてください
setting-mail-in-clear = { $place }：メールが、{ $server } まで暗号化されずに送られます
setting-mail-in-clear-do = tls = "tls" または tls = "starttls" にしてください。"none" は、このコンピューターにあるメールサーバーだけに使えます
setting-mail-authority = { $place }：メールサーバーの証明書の認証局を使えません（「{ $said }」）
setting-mail-authority-do = trust に認証局の PEM ファイルを指定するか、システムの認証局を導入してください
setting-directory-line = { $place } の { $line } 行目：機関として読み取れません（「{ $said }」）
setting-directory-line-do = その行を直してください。1 行に一つの JSON を書きます
setting-directory = { $place }：機関を登録できませんでした（{ $why }）
setting-directory-do = 原因を取り除いてから、起動し直してください
setting-accounts = { $place }：クライアント VPN のアカウントを読み取れません（「{ $said }」）
setting-accounts-do = 台帳を確かめて、起動し直してください

## ゲート（`gate::Fault`）。$place はファイル、アドレス、または設定の表
gate-no-key = { $place }：[certificates] に、ゲートの鍵の指定がありません
gate-no-key-do = PEM ファイルなら key = "…" を、セキュアエレメントなら [certificates.element] を書いてください
gate-two-keys = { $place }：[certificates] に、ゲートの鍵がファイルとセキュアエレメントの両方で指定されています
gate-two-keys-do = key か [certificates.element] の、どちらか一つにしてください
gate-not-a-gate = { $place }：拠点 { $site } のゲートの証明書として使えません。理由：{ $why }
gate-not-a-gate-do = urn:sekisho:gate:{ $site } に対する証明書の発行を認証局に依頼するか、ゲートを登録し直してください。[certificates] の認証局と失効リストも確かめてください
gate-other-site = { $place }：拠点 { $found } のゲートの証明書です。設定は拠点 { $site } のものです
gate-other-site-do = 拠点 { $site } の証明書を置くか、設定の site を直してください
gate-element = セキュアエレメント { $module } のトークン「{ $token }」：{ $why }
gate-element-do = { $mend }
gate-other-key = { $place }：セキュアエレメントの鍵「{ $key }」の証明書ではありません
gate-other-key-do = 「sekisho-gate enroll --element」で証明書を取得するか、[certificates.element] で正しい鍵を指定してください
gate-tls = { $place }：証明書と鍵を組み合わせて TLS で使えません（ライブラリーの表示：「{ $said }」）
gate-tls-do = 対になる証明書と鍵を置いてください。鍵をなくした場合は、ゲートを登録し直してください
gate-damaged = { $place }：保存された状態として読み取れません（読み取り機能の表示：「{ $said }」）
gate-damaged-do = ファイルを別の場所に移してください。センターが状態を送り直します
gate-unsound = { $place }：保存された状態が、常に成り立つべき規則に反するため、適用しません。理由：{ $why }
gate-unsound-do = ファイルを証拠として保全し、書いたものを調べてください。センターが状態を送り直します
gate-namespace = { $place }：ネットワーク名前空間に入れません（システムの表示：「{ $said }」）
gate-namespace-do = 先に名前空間を作り（ゲートの systemd ユニットが作ります）、[namespaces] を確かめ、ゲートを root で起動してください
gate-system = システムがスレッドやシグナルを使わせません（システムの表示：「{ $said }」）
gate-system-do = コンピューターの上限（スレッド数、開けるファイル数、メモリー）を確かめて、起動し直してください
gate-taken-over = 拠点のもう一台のゲートに交代しました
gate-taken-over-do = このゲートを起動し直すと、もう一台の予備として待機します。開いている接続には影響しません
gate-no-state = { $place }：保存された状態がありません。センターからの命令がまだありません
gate-no-state-do = ゲートがセンターに接続し、運用担当者が拠点の文書を適用してから、やり直してください
gate-socket = { $place }：スイッチに接続できません（システムの表示：「{ $said }」）
gate-socket-do = スイッチの OpenFlow ソケットを指定してください。例：/run/openvswitch/br0.mgmt
gate-protocol = スイッチの応答が正しくありません（「{ $said }」）
gate-protocol-do = 正しいスイッチか、OpenFlow 1.3 を使えるかを確かめてください（「ovs-vsctl get bridge br0 protocols」）
gate-silent-switch = スイッチから、30 秒以内に応答がありません
gate-silent-switch-do = スイッチが動いていることを確かめて、やり直してください
gate-not-a-token = ワンタイムトークンの全体ではありません
gate-not-a-token-do = sekisho-once- から最後までを、コピーし直してください
gate-other-token = { $label } の証明書のトークンです。ゲートのトークンではありません
gate-other-token-do = この拠点のゲートのトークンを、ネットワーク事業者に依頼してください
gate-no-site = トークンの宛先「{ $name }」は、拠点ではありません
gate-no-site-do = 新しいトークンを、ネットワーク事業者に依頼してください
gate-no-device = トークンの宛先「{ $name }」は、機器 ID ではありません
gate-no-device-do = 新しいトークンを、登録センターに依頼してください
gate-element-too = 仮証明書はセキュアエレメントのものですが、セキュアエレメントの指定がありません
gate-element-too-do = --element も指定してください
gate-enroll-again = { $place }：ゲートの証明書が入っていません
gate-enroll-again-do = ネットワーク事業者の新しいトークンで、ゲートを登録し直してください
gate-register-again = { $place }：この機器の第 1 階層の機器証明書ではありません
gate-register-again-do = 登録センターの新しいトークンで、機器を登録し直してください
gate-no-equipment = { $place }：設定に、この機器の第 1 階層の機器証明書の指定がありません
gate-no-equipment-do = 登録センターのトークンで sekisho-gate enroll を行って機器を登録するか、[equipment] に機器証明書と登録局を書いてください
gate-papers = センターから届いた書類を使えません（「{ $said }」）
gate-papers-do = ネットワーク事業者に連絡し、双方の Sekisho を同じ版にそろえてください
gate-other-papers = センターから届いた書類は { $found } のもので、{ $site } のものではありません
gate-other-papers-do = ネットワーク事業者に連絡してください
gate-papers-lack = センターから届いた書類に、{ $kind } 証明書の認証局または失効リストがありません
gate-papers-lack-do = ネットワーク事業者に連絡してください
gate-operator = VPN 事業者の表明を信頼できません。理由：{ $why }
gate-operator-do = このセンターからは何も受け取らず、ネットワークを運用できる事業者を登録センターに確かめてください
