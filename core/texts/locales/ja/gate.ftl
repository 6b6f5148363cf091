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
gate-audit-strange = Sekisho のものではない項目: { $entry }
gate-audit-strange-do = 稼働中のゲートなら書き込みから 1 秒以内に取り除きます。残っているならゲートが接続していません（`sekisho status`）
gate-audit-missing = あるべきなのにスイッチに無い規則: { $rule }
gate-audit-missing-do = 稼働中のゲートが入れます。無いままなら、スイッチが拒む理由がゲートのログにあります
gate-audit-surplus = スイッチにあるが（もう）不要な規則: { $rule }
gate-audit-surplus-do = 稼働中のゲートが取り除きます。それまでは、この規則のとおりに通ります
gate-audit-unsaid = { $rule }（OpenFlow の項目にできません: { $error }）
gate-audit-proved = 証明済み: { $entries } 項目は世代 { $generation } の状態そのもので、不変条件はすべて成り立ちます
gate-audit-unlike = 証明済み、ただし望む状態とは違います: { $entries } 項目は不変条件を破りませんが、世代 { $generation } とは上のとおり異なります
gate-audit-refuted = 反証: { $id } { $statement }
gate-audit-packet = パケット: { $packet }
gate-audit-path = 経路: { $hop }
gate-audit-because = 原因: { $because }
gate-audit-do = すべきこと: { $remedy }
