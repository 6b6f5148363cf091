# 運営者から見た届出ファイルの提出状況（R12）。
page-overseen-title = 提出状況
page-overseen-lead = 各医療機関の提出と現在の状態です。ファイルの中身は表示しません。受領証を取得すると監査記録に残ります。
page-overseen-any = すべて
page-overseen-institution = 医療機関
page-overseen-from = 開始日（から）
page-overseen-until = 開始日（まで）
page-overseen-filter = 絞り込む
page-overseen-none = 該当する提出はありません。

page-parts = 続き
page-parts-older = これより前の提出

api-path-vpn = VPN-ID。
api-call-list-all-submissions = 各医療機関の届出ファイルを新しい順に見る（ファイルの中身は返しません）
api-call-see-any-submission = 届出ファイル一件とその状況を見る
api-call-see-any-receipt = 受理した届出ファイルの署名付き受領書を見る（監査記録に残ります）
api-call-list-vpn-lines = クライアント VPN に現在接続している利用者を見る
api-call-end-vpn-line = VPN-ID の接続をすべて切断する（アカウントは停止しません）
api-problem-vpn-unknown = 接続の状況がわかりません。VPN サーバーが応答しないか、このセンターにありません
api-problem-vpn-unknown-do = しばらくしてからもう一度呼び出すか、VPN サーバーを確認してください
api-problem-line-not-in = この接続は切断できませんでした
api-problem-line-not-in-do = すでに切れているかもしれません。一覧を見直してください
page-parts-next = 次へ
page-parts-previous = 前へ
page-sites-words = 拠点の ID・名称、機関
page-sites-find = 検索
page-sites-total = { $count } 拠点
page-sites-none-found = 該当する拠点はありません。
