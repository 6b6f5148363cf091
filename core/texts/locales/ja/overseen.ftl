# 運営者から見た届出ファイルの提出状況（R12）。
page-overseen-title = 提出状況
page-overseen-lead = 各医療機関の提出と現在の状態です。ファイルの中身は表示しません。受領証を取得すると監査記録に残ります。
page-overseen-any = すべて
page-overseen-institution = 医療機関
page-overseen-from = 開始日（から）
page-overseen-until = 開始日（まで）
page-overseen-filter = 絞り込む
page-overseen-more = 新しい順に { $count } 件を表示しています。ほかの提出を見るには期間または医療機関で絞り込んでください。
page-overseen-none = 該当する提出はありません。
