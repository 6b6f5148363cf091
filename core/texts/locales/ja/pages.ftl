# Pages of joining: applicant, institution, operator.
page-service = 医療機関オンライン接続サービス
page-must = 必須
page-faults = 入力内容を確認してください
page-next-confirm = 確認画面に進む
page-back-to-form = 入力画面に戻る
page-close-hint = この画面は閉じてかまいません。
page-operator = 運用担当
page-to-menu = メニュー
page-to-notices = お知らせ
page-to-start = はじめに戻る
page-nav = サービス内の移動
page-steps = 手続きの流れ
page-not-found = ページが見つかりません
page-not-found-do = アドレスを確認するか、はじめのページからたどり直してください。
page-refused-title = 受け付けられませんでした
page-too-often = 短い間に操作が続いたため、しばらく受け付けられません。
page-too-often-do = { $seconds }秒ほど待ってから、もう一度操作してください。入力中の内容は、ブラウザーの「戻る」で残っています。
page-too-long = 送られた内容が長すぎます。
page-too-long-do = 入力を短くして、もう一度送信してください。
page-old-form = この画面は古くなったか、すでに送信されています。
page-old-form-do = 入力画面に戻り、もう一度送信してください。

# Steps
page-step-mail = 利用仮申請
page-step-full = 利用本申請
page-step-call = 電話での確認
page-step-password = 初期パスワードの変更
page-step-vpn = VPN接続
page-step-service = サービスの利用申請
page-step-certificate = サービス利用証明書

# 利用準備の流れ
page-start-title = 利用準備の流れ
page-start-lead = 利用を始めるまでの流れです。パソコンと、施設で使っている（携帯電話のものではない）メールアドレスを用意してください。
page-start-mail = メールアドレスを登録します。本申請用のURLがメールで届きます。
page-start-full = メールのURLを開き、施設と申請者の情報を入力します。
page-start-call = 数日から10日程度で、施設の代表電話に確認の電話をします。
page-start-password = 承認されると、利用者IDとVPN-IDがメールで、初期パスワードが電話で届きます。初期パスワードはすぐに変更します。
page-start-vpn = VPNパスワードを控え、接続プロファイルを端末に設定して接続します。
page-start-service = 接続後にログインし、利用するサービスを申請します。
page-start-certificate = サービス利用証明書を端末に発行すると、サービスを利用できます。
page-start-preflight = 始める前に、端末と回線が条件を満たすかを「sekisho preflight」で確認できます。
page-start-begin = 利用準備を開始
page-start-again = 承認の案内を受け取った方：初期パスワードの変更

# メールアドレス入力
page-mail-title = メールアドレス入力
page-mail-lead = ここで入力したメールアドレスが、本申請の届出用メールアドレスになります。
page-mail-confirm-title = メールアドレス確認
page-mail-confirm-lead = このメールアドレスに、本申請用のURLを送ります。正しいことを確認してください。
page-mail-send = 送信
page-mail-sent-title = メール送信完了
page-mail-sent-lead = 入力されたメールアドレスに、次の件名のメールを送りました。
page-mail-sent-subject = 【医療機関オンライン接続サービス】利用申請 URL のご案内
page-mail-sent-do = メールのURLから本申請に進んでください。30分以上たっても届かない場合は、もう一度仮申請をしてください。
page-hint-mail = 施設で使っているアドレスを入力してください。携帯電話会社のアドレス（docomo.ne.jp、softbank.ne.jp、ezweb.ne.jp など）は使えません。
page-hint-mail-again = 確認のため、同じアドレスをもう一度入力してください。

# 画像認証
page-challenge = 画像の文字
page-challenge-hint = 画像に表示されている6文字（半角英小文字と数字）を入力してください。読みにくいときは「再読込」で別の画像にするか、音声で聞いてください。
page-challenge-alt = 6文字の英小文字と数字をゆがめた画像。読めない場合は音声を再生してください。
page-challenge-voice = 文字の読み上げ（英語）
page-challenge-again = 再読込
page-answer = 表示されている文字
page-answer-empty = 画像の文字を入力してください。
page-answer-wrong = 画像の文字が違います。新しい画像の文字を入力してください。
page-answer-gone = 画像の有効期限が切れました。新しい画像の文字を入力してください。

# 利用申し込み
page-full-title = 利用申し込み入力フォーム
page-full-institution = 医療機関
page-full-institution-lead = 都道府県を選び、医療機関名で検索して、一覧から選んでください。名称の一部でも検索でき、全角・半角、かなの違いは区別しません。
page-full-choose = 選択してください
page-full-search = 医療機関名
page-full-search-do = 絞込
page-full-found = 検索結果：{ $count }件
page-full-found-part = 検索結果：{ $count }件のうち{ $shown }件を表示しています。名称を詳しく入力して絞り込んでください。
page-full-chosen = 選択した医療機関
page-full-none = 該当の施設なし
page-full-none-hint = 一覧にない場合に選び、施設の正式名称を入力してください。登録については各都道府県の担当部署に確認します。
page-full-none-name = 一覧にない施設の名称
page-full-applicant = 申請者の情報
page-full-applicant-lead = 数日から10日程度で申請者に確認の電話をします。確実に連絡の取れる情報を入力してください。申請者は施設の届出責任者として登録されます。
page-hint-head = 病院等の管理者（院長など）の氏名
page-hint-head-kana = 例：イリョウ　タロウ
page-hint-applicant-kana = 例：イリョウ　イチロウ
page-hint-department = 所属部署がない場合は「なし」と入力してください。
page-hint-post = 役職がない場合は「なし」と入力してください。
page-hint-phone = 施設の代表電話番号。例：03-1234-5678
page-hint-extension = 申請者に確実に連絡の取れる内線番号。ない場合は「0」と入力してください。
page-full-terms = 利用規約
page-terms-1 = 届出端末は、光回線からIPsec-VPN（IKEv2）で接続します。ISDN・ADSL・携帯電話回線・公衆無線LANなどは使えません。
page-terms-2 = VPN接続中は、この網のほかのインターネットには接続できません。
page-terms-3 = VPNで競合するソフトウェアがあると、端末が接続できなくなることがあります。事前に確認してください。
page-terms-4 = TCP 443、UDP 500、UDP 4500、ESP（IPプロトコル50）の通信を、施設の機器で許可してください。
page-terms-5 = 利用者ID・パスワード・VPNパスワード・証明書を他人に渡さないでください。
page-terms-6 = 申請の内容は、施設の確認と連絡のためにだけ使い、法令で定める場合を除き第三者に渡しません。
page-full-consent = 利用規約に同意する
page-full-confirm-title = 利用申し込み内容確認
page-full-confirm-lead = 申し込み内容が正しいことを確認してください。
page-full-back-hint = 入力画面に戻ると、画像の文字と同意は消えます。もう一度入力してください。
page-full-send = 申請確定
page-full-sent-title = 利用申し込み完了
page-full-sent-lead = 申し込みを受け付けました。次の件名のメールが届きます。
page-full-sent-subject = 【医療機関オンライン接続サービス】利用申請受付のご案内
page-full-sent-do = 数日から10日程度で、申請者に確認の電話をします。2週間を過ぎても電話がない場合は、メールに書かれた連絡先に問い合わせてください。

# 認証・初期パスワード変更
page-first-title = VPN接続設定サイトへの認証
page-first-lead = メールで届いた利用者ID（数字8桁）と、電話で伝えられた初期パスワード（数字6桁）を入力してください。
page-user = 利用者ID
page-hint-user = 数字8桁
page-password = パスワード
page-first-do = 認証
page-change-title = 初期パスワード変更
page-change-lead = 新しいパスワードを決めてください。次のすべてを満たす必要があります。
page-change-old = 現在のパスワード
page-change-do = パスワード変更
page-rule-length = { $min }文字以上
page-rule-kinds = 英字・数字・特殊記号（{ $symbols }）をすべて含む
page-rule-guessable = 推測されやすいもの（よく使われる語、利用者IDなど）でない
page-changed = パスワードを変更しました。

# VPN
page-vpn-title = VPN接続の設定
page-vpn-id = VPN-ID
page-vpn-password = VPNパスワード
page-vpn-show = VPNパスワード表示
page-vpn-show-lead = VPNパスワードは、この画面で一度しか表示できません。控える準備をしてから押してください。
page-vpn-once = VPNパスワードは今だけ表示しています。VPN-IDとともに控え、他人に見られない所に保管してください。
page-vpn-gone = VPNパスワードは表示済みです。控えを失った場合は、運用担当に再発行を依頼してください。
page-vpn-profiles = 接続プロファイルと手順書
page-vpn-profiles-lead = 使う端末のものを選び、手順書に従って設定してください。
page-vpn-profile = 接続プロファイル
page-vpn-manual = 手順書
page-vpn-then = 設定してVPNに接続したら、次のアドレスでログインしてください。VPNに接続していないと開けません。
page-vpn-back = VPN接続の設定に戻る
page-vpn-none = 接続プロファイルはまだ用意されていません。

# 機構内
page-login-title = ログイン
page-login-lead = 利用者IDとパスワードを入力してください。
page-login-do = ログイン
page-login-outside = このページはVPN接続中だけ利用できます。
page-code-title = 確認コードの入力
page-code-lead = 認証アプリに表示されている6桁の確認コードを入力してください。
page-code = 確認コード
page-code-do = 確認
page-notices-title = お知らせ
page-notices-none = お知らせはありません。
page-menu-title = メニュー
page-menu-apply = サービス利用申請
page-menu-apply-about = 利用するサービスを申請し、その状況を確認します。
page-menu-certificate = サービス利用証明書インストール
page-menu-certificate-about = この端末に証明書を発行する手順です。
page-menu-staff = 施設内の担当者
page-menu-staff-about = 届出を担当する職員を登録・削除します（届出責任者のみ）。
page-menu-password = パスワードの変更
page-menu-password-about = ログインに使うパスワードを変更します。
page-menu-factor = 二段階認証
page-menu-factor-about = 認証アプリの確認コードをログインに加えます。
page-menu-submissions = 届出の状況
page-menu-submissions-about = 届け出たファイルと受領証を確認します。
page-menu-service = { $name }
page-menu-service-about = 利用が承認されています。サービス利用証明書を持つ端末から開いてください。
page-logout = ログアウト
page-logged-out-title = ログアウト完了
page-logged-out = ログアウトしました。VPN接続も切断してください。
page-log-in-again = もう一度ログインする

# サービス利用申請
page-apply-title = 利用申請
page-apply-lead = 利用するサービスにチェックを付けてください。
page-apply-none-left = 申請できるサービスはほかにありません。
page-apply-stands = 申請の状況
page-apply-confirm-title = 申請内容確認
page-apply-confirm-lead = 次のサービスの利用を申請します。
page-apply-send = 申請確定
page-apply-sent-title = 申請完了
page-apply-sent = 申請を受け付けました。数日から10日程度で、承認または取消のメールが届きます。
page-apply-cancel = 申請を取り消す
page-apply-at = { $at } 申請

# 証明書
page-certificate-title = サービス利用証明書インストール
page-certificate-lead = 証明書は端末の中で作った鍵に対して発行されます。鍵が端末の外に出ることはありません。
page-certificate-1 = 次のボタンで発行コードを表示します。コードは一度だけ、30分以内に使えます。
page-certificate-2 = 端末で発行コマンドを実行し、求められたら発行コードを入力します。
page-certificate-3 = 発行が終わると、サービスを開けるようになります。
page-certificate-code-do = 発行コードを表示
page-certificate-code = 発行コード
page-certificate-once = この発行コードは一度しか表示できません。
page-certificate-command = 端末で実行するコマンド

# 職員
page-staff-title = 施設内の担当者
page-staff-lead = 届出責任者は、施設内で届出を担当する職員を登録・削除できます。
page-staff-add = 職員を登録
page-staff-add-do = 登録
page-staff-remove = 削除
page-staff-remove-label = { $name }を削除
page-staff-manager = 届出責任者
page-staff-member = 届出担当者
page-staff-added-title = 職員を登録しました
page-staff-added = 初期パスワードは今だけ表示しています。本人に直接伝えてください。利用者IDとVPN-IDは本人にメールで届きます。
page-initial-password = 初期パスワード

# 審査
page-review-title = 利用申請の審査
page-review-open = 審査待ち
page-review-none = 審査待ちの申請はありません。
page-review-services = サービス利用申請
page-review-services-none = 承認待ちのサービス利用申請はありません。
page-review-col-institution = 医療機関
page-review-col-applicant = 申請者
page-review-col-received = 受付
page-review-col-due = 期限
page-review-col-stand = 状態
page-review-col-service = サービス
page-review-alarm = 2週間を過ぎた申請が{ $count }件あります。すぐに施設へ電話してください。
page-review-one-title = 利用申請{ $id }
page-review-calls = 電話の記録
page-review-calls-none = まだ電話していません。
page-review-call-add = 電話を記録
page-review-call-phone = かけた番号
page-review-call-phone-hint = 申請書ではなく、公開されている番号にかけてください。
page-review-call-outcome = 結果
page-review-call-note = 記録
page-review-call-do = 記録する
page-review-settle = 施設を一覧から決める
page-review-settle-do = この施設にする
page-review-approve = 承認
page-review-approve-lead = 承認すると、利用者IDとVPN-IDがメールで送られます。初期パスワードは次の画面で一度だけ表示されるので、電話で伝えてください。
page-review-approve-do = 承認する
page-review-reject = 却下
page-review-reject-do = 却下する
page-review-reason = 理由（メールに書かれます）
page-review-second = { $by }が承認しました。もう一人の承認が必要です。
page-review-waits = 承認を記録しました。もう一人の担当者の承認を待ちます。
page-review-approved-title = 承認しました
page-review-approved = 初期パスワードは今だけ表示しています。電話で申請者に伝えてください。メールには書かないでください。
page-review-rejected-title = 却下しました
page-review-rejected = 理由を書いたメールを送ります。
page-review-back = 審査の一覧に戻る
page-review-cancel-do = 取り消す
page-review-live = 接続状況
page-review-accounts = 利用者
page-review-reset = 初期パスワードの再発行
page-review-reset-lead = 本人であることを電話で確かめてから、利用者IDを入力してください。ロックも解除されます。
page-review-reset-do = 再発行する
page-review-reset-title = 再発行しました
page-review-notice = お知らせの掲載
page-review-notice-do = 掲載する
page-review-notice-done = お知らせを掲載しました。

# サービスの入口
page-entrance-title = サービス利用証明書の確認

page-link-gone = このURLは使えません。
page-link-gone-do = 使用済みか、有効期限が切れています。もう一度、利用仮申請をしてください。
page-sign-in-first = ログインしていないか、時間がたってログアウトしました。
page-sign-in-first-do = もう一度ログインしてください。
page-not-yours = この操作をする権限がありません。
page-not-yours-do = 施設の届出責任者、または運用担当に依頼してください。
page-login-initial = 初期パスワードがまだ変更されていません。
page-login-initial-do = VPNを切断し、{ $url } で初期パスワードを変更してください。
page-apply-none-yet = まだ申請していません。
page-review-decided = 最近の決定
page-review-until = 初期パスワードの期限
page-review-notice-title-ja = 件名（日本語）
page-review-notice-title-en = 件名（英語）
page-review-notice-body-ja = 本文（日本語）
page-review-notice-body-en = 本文（英語）
page-problem-too-often = 短い間に要求が続いたため受け付けられません。
page-problem-sign-in = 認証が必要です。
page-problem-forbidden = この操作をする権限がありません。
