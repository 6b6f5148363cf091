# gate

gate-fallback-title = センターにつながりません
gate-fallback-what = この拠点のゲートは、いまセンターに接続できません。開いている接続は期限まで使えます。つながるまで、新しく開くことも、延長も、閉じることもできません。
gate-fallback-do = このページは 10 秒ごとに自動で確かめます。続くときは、回線を確認してから回線事業者に連絡してください。
gate-fallback-none = この拠点で開いている接続はありません。
gate-fallback-lines = この拠点で開いている接続
gate-fallback-service = サービス
gate-fallback-between = 接続元と接続先
gate-fallback-left = 残り時間
gate-fallback-minutes = { $minutes } 分
