# 拠点・機器・サービス・合意の登録（G12）
registration-refused-name-taken = ID「{ $name }」は網内で別の機関が使用しているか、変更できません
registration-refused-name-taken-do = 別の ID を選んでください。自機関の ID である場合は、センターの運用者に結び付けを依頼してください
registration-refused-no-name = 施設の網内の ID がまだありません
registration-refused-no-name-do = 先に、拠点の画面の上部で施設の ID を登録してください
registration-refused-not-in-network = 施設はまだ網に登録されていません
registration-refused-not-in-network-do = 拠点を申請し、センターの運用者が登録するまでお待ちください
registration-refused-site-taken = 拠点「{ $site }」は既に登録または申請されています
registration-refused-site-taken-do = 拠点に別の ID を付けてください
registration-refused-no-part = { $part } はありません
registration-refused-no-part-do = 拠点の画面に戻って選び直してください
registration-refused-part-there = { $part } は既にあります
registration-refused-part-there-do = 別の ID を付けるか、先に現在のものを削除してください
registration-refused-no-authority = このセンターは証明書を発行していません
registration-refused-no-authority-do = 証明書の入手先をセンターの運用者に確認してください
registration-refused-agreement-taken = 合意 { $agreement } は既にあります
registration-refused-agreement-taken-do = 別の番号を付けるか、既にある合意を開いてください
registration-refused-not-your-turn = この操作は相手の機関が行います
registration-refused-not-your-turn-do = 相手の機関の操作を待つか、相手の機関に依頼してください
registration-refused-not-this-agreement = 提案されている合意 { $agreement } への署名ではありません
registration-refused-not-this-agreement-do = 合意をもう一度ダウンロードし、そのまま署名して、ツールの出力を送ってください
registration-refused-taken = { $what ->
    [prefix] アドレス範囲が、ネットワーク内の他の機関のものと重なっています
    [dpid] スイッチのデータパス ID が、他の機関のものと同じです
    [line-address] 回線のアドレスが、他の機関のものと同じです
    [ike-identity] ゲートウェイの名前が、他の機関のものと同じです
   *[other] 他の機関の拠点と両立しません
}
registration-refused-taken-do = { $what ->
    [prefix] 別のアドレス範囲を選んでください。空いている範囲はセンターの運用者にお尋ねください
    [dpid] スイッチのデータパス ID を確認してください。正しい場合はセンターの運用者にお尋ねください
    [line-address] 回線のアドレスを確認してください。正しい場合はセンターの運用者にお尋ねください
   *[other] 両方を確認できるセンターの運用者にお尋ねください
}
registration-refused-too-many-wait = この機関の提案が、すでに { $most } 件待っています
registration-refused-too-many-wait-do = 決定されるのを待つか、不要な提案を取り下げてください
registration-refused-sheet-would-end = この回答では、{ $site } のチェックシートが満たされなくなります（項目 { $items }）。まだ保存していません
registration-refused-sheet-would-end-do = 示された項目の回答を確認してください。間違いがなければ、下にある二つ目のボタンで保存してください。保存すると、{ $site } と他の機関との接続は終了し、再び満たすまで開きません

registration-stand-proposed = 運用者の確認待ち
registration-stand-registered = 登録済み
registration-stand-rejected = 却下
registration-stand-withdrawn = 取下げ
registration-stage-registered = 登録済み
registration-stage-gate-enrolled = ゲート登録済み
registration-stage-ready = 接続可能
registration-model-large = 大規模型: 複数法人の医療機関（高セキュア・セキュア・DMZ）
registration-model-small = 小規模型: サービスを利用する機関（高セキュア・セキュア）
registration-model-service-provider = サービスプロバイダ型: サービスを提供する機関（高セキュア・DMZ）
registration-line-leased = 専用線
registration-line-isdn = ISDN
registration-line-closed-ip = 閉域 IP 網
registration-line-wide-ethernet = 広域イーサネット
registration-line-ip-vpn = IP-VPN
registration-line-internet = インターネット
registration-step-enroll = ゲートが証明書を取得している
registration-step-enroll-do = 下でワンタイムトークンを作成し、表示されるコマンドをゲートで実行してください。
registration-step-link = ゲートがセンターに接続している
registration-step-link-do = ゲートを起動してください（sekisho-gate run）。接続しない場合は、回線と失効リストを確認してください。
registration-step-hosts = 機器が登録されている
registration-step-hosts-do = 拠点の端末とサーバーを登録してください。
registration-step-use = 利用が定められている
registration-step-use-do = サービスを利用する拠点にはホワイトリストの行が、提供する拠点にはサービスと、利用する側の拠点のホワイトリストの行が必要です。
registration-step-devices = 利用する端末が機器証明書を取得している
registration-step-devices-do = 端末ごとにコードを作成し、その端末で証明書を取得してください。
registration-step-agree = ほかに不足がない
registration-step-agree-do = 不足しているもの、責任区間、対応を下に示します。多くの場合は、双方の機関が署名する合意です。

# 画面
page-no-registration = ここでは拠点を登録していません。
page-no-registration-do = センターの運用者に問い合わせてください。
page-choose = 選択してください
page-sites-title = 拠点
page-sites-institution = 機関
page-sites-stand = 状態
page-sites-confirmed = 運用者が確認済み
page-sites-unconfirmed = 仮登録（最初の拠点を運用者が登録したときに確定します）
page-sites-unconfirmed-operator = この機関の ID はまだ確定していません。拠点を登録すると確定します。ID が本当にこの機関のものであることを確認してください。
page-sites-no-name = 施設の網内の ID がまだありません。先に登録してください。
page-sites-name = 施設の網内の ID
page-sites-link = 医療機関マスターの施設を網内の機関に結び付ける
page-sites-name-do = ID を登録する
page-sites-number = 医療機関マスターの番号
page-sites-registered = 登録済みの拠点
page-sites-none = 登録済みの拠点はありません。
page-sites-waiting = 確認待ちの申請
page-sites-none-waiting = 確認待ちの申請はありません。
page-sites-decided = 処理済みの申請
page-sites-new = 新しい拠点を申請する
page-sites-new-lead = 拠点は型から作られ、ゾーンとセグメントは型で決まります。申請は、登録済みのすべての内容と照合してから運用者に届きます。
page-sites-zones = 拠点にあるゾーンのプレフィックス（例: 10.20.30.0/24）。ないゾーンは空欄にします。小規模型に DMZ はなく、サービスプロバイダ型にセキュアゾーンはありません。
page-sites-propose = 申請する
page-sites-back = 拠点の一覧へ戻る
page-sites-register = 登録する
page-sites-reject = 却下する
page-sites-withdraw = 取り下げる
page-sites-proposed = 申請
page-sites-document = 登録される文書
page-sites-col-site = 拠点
page-sites-col-institution = 機関
page-sites-col-stand = 状態
page-sites-col-next = 次の作業
page-site-title = 拠点
page-site-steps = 接続可能になるまで
page-site-open = 未了
page-site-done = 完了
page-site-gate = ゲート
page-site-gate-lead = トークンを使うと、一台の機械が一度だけ、この拠点のゲートになれます。持っている人は誰でも使えるため、パスワードと同じように扱ってください。
page-site-gate-do = ワンタイムトークンを作成する
page-site-lines = 定められている接続
page-site-no-lines = まだありません。
page-site-line-ready = いま接続できます
page-once-title = いま控えてください
page-once = ここにだけ表示され、一度だけ使えます。{ $until } まで有効です。
page-once-command = その機械で実行するコマンド
page-once-code = コードのみ

# 拠点に属するもの
page-site-hosts = 機器
page-site-no-hosts = 登録された機器はありません。
page-site-certified = 証明書取得済み
page-site-terminal = 端末（証明書未取得）
page-site-device-code = 証明書用のコード
page-site-add-host = 機器を登録する
page-site-is-terminal = 人がここから接続を開始する（端末）
page-site-add = 登録する
page-site-remove = 削除
page-site-remove-sure = これに依存する接続は終了します。{ $what } を本当に削除しますか。
page-site-remove-label = { $what } を削除する
page-site-services = 提供するサービス
page-site-no-services = 提供するサービスはありません。
page-site-add-service = サービスを登録する
page-site-whitelist = ホワイトリスト
page-site-no-whitelist = 行がありません。この拠点からは何も利用できません。
page-site-add-line = 行を追加する（どの資格の人が、どの端末から、どのサービスを利用できるか）

# 合意
page-agreements-title = 合意
page-agreements-none = 合意はありません。
page-agreements-propose = 合意を提案する
page-agreements-propose-do = 提案する
page-agreements-consumer-hint = サービスを利用する機関が自機関の場合は空欄にしてください。
page-agreements-key = 署名鍵
page-agreements-key-lead = 合意には機関の証明書で署名します。鍵は自機関の機械で作られ、そこから出ません。
page-agreements-key-do = 証明書用のコードを作成する
page-agreement-title = 合意
page-agreement-proposed = 未署名
page-agreement-half = 一方が署名済み
page-agreement-complete = 双方が署名済み（有効期間中に効力を持ちます）
page-agreement-provider = 提供する機関
page-agreement-has-signed = 署名済み
page-agreement-sign = 署名
page-agreement-sign-1 = 合意、または署名の対象となるバイト列をダウンロードします。
page-agreement-sign-2 = 機関の鍵がある機械で署名します。
page-agreement-sign-3 = ツールの出力、または証明書と署名値を送ります。
page-agreement-document = 合意
page-agreement-bytes = 署名の対象となるバイト列
page-agreement-signed = 「sekisho agreement sign」の出力
page-agreement-or = または、別のツールやカードでバイト列に署名した場合:
page-agreement-certificate = 機関の証明書とその連鎖（PEM）
page-agreement-value = 署名値（ECDSA P-256・SHA-256、DER、Base64）
page-agreement-sign-do = 署名を送る
page-once-token = コマンドが尋ねるトークン
