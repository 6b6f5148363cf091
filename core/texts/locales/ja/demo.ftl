# `cargo xtask demo` の物語
demo-title = 関所: 診療所の医師が、病院のサービスを一つだけ開き、使い、閉じます。
demo-raise-network = 三つの拠点（それぞれに Open vSwitch と strongSwan）と、その間のインターネットを用意しています…
demo-raise-papers = カードと証明書を発行し、合意に署名しています…
demo-raise-center = センターを起動しています…
demo-raise-gates = 三つのゲートを起動し、スイッチをつないでいます…
demo-raise-documents = 三つの機関の文書を、証明のうえで適用しています…
demo-take-down = すべて片付けています…
demo-story-goes-on = 物語を続けられる
demo-times = 端末の利用者から見た時間（コマンドの起動とカードの処理を含む）
demo-time-open-cold = 開通（拠点間にトンネルがない状態から）
demo-time-close = 終了（実行中のダウンロードの最後の1バイトまで）
demo-whole-story = 全体
demo-failed = 成り立たなかった確認:

demo-chapter-before = 1. はじまりの前
demo-nothing-reached = 医師の端末は、外部にも他の端末にもまったく届かない（TCP・UDP・ICMP で { $probes } 回試行）
demo-no-packet-outside = その端末のパケットはインターネットに一つも現れない

demo-chapter-opening = 2. 医師がカードで診療記録サービスを開く
demo-opened = 回線が開いた
demo-status-open = 両方のゲートが実際に確認したので、センターは「開通」としている
demo-https-works = 端末から診療記録サーバーへの HTTPS が通る
demo-nothing-clear = どちらの施設のパケットも、平文ではインターネットに現れない
demo-only-ike-and-esp = 二つのゲートウェイの間には IKE と UDP 上の ESP だけがある

demo-chapter-separation = 3. そのとき、ほかはすべて閉じている
demo-second-line = 病院の病棟が提供者のサービスを開く: 病院には二本のトンネルがある
demo-second-line-works = 病棟からそのサービスに届く
demo-shut-other-terminal = 診療所の別の端末は、診療記録サーバーにも医師の端末にも届かない（{ $probes } 回試行）
demo-shut-other-port = 診療記録サーバーのほかのポートやプロトコルは応答しない（{ $probes } 回試行）
demo-shut-other-host = 病院や診療所のほかの機器は応答しない（{ $probes } 回試行）
demo-shut-relay = 病院を経由して提供者と診療所の間を通るものはなく、提供者から病院へも入れない（{ $probes } 回試行）
demo-shut-reverse = 診療記録サーバーの側から診療所へ通信を始めることはできない（{ $probes } 回試行）
demo-second-line-closed = 二本目の回線を閉じた

demo-chapter-refusals = 4. 断られるものと、その理由
demo-refused = 拒否: { $text }
demo-refusal-recorded = … すべての理由とともに { $record } として記録された
demo-relay-refused = 病院に他の二者の通信を中継させる文書: 証明がこれを拒み、通ってしまうはずのパケットを示す
demo-relay-refused-plan = … 適用する前に `sekisho plan` でも分かる
demo-gate-revoked = 証明書が失効したゲートに向けては、何も開かない（{ $codes }）

demo-chapter-closing = 5. 医師が回線を閉じる
demo-download-runs = ダウンロードが実行中
demo-closed = 回線が閉じた
demo-download-cut = 実行中のダウンロードは切断された
demo-shut-again = 診療記録サーバーはもう応答しない
demo-as-before = フローテーブル・接続追跡・トンネル・フィルターは、2 の前と同じである

demo-chapter-crashes = 6. プロセスを順に強制終了する（kill -9）
demo-victim-gate = 病院のゲート
demo-victim-center = センター
demo-victim-charon = 病院の IKE デーモン
demo-crash-open = 回線が開いている。ここで{ $who }を止める
demo-crash-traffic-goes-on = { $who }が止まっても、実行中のダウンロードは続く
demo-crash-nothing-clear = { $who }が止まっても、平文はインターネットに現れない
demo-crash-works-again = { $who }が戻り、サービスが使える
demo-crash-as-planned = { $who }が戻り、実在するものはセンターが「開通」とするものと完全に一致する
demo-crash-record = 記録は一件も失われていない（{ $who }）
demo-crash-closed = 回線が閉じた
demo-opening-as-planned = 開通の途中で{ $who }が止まった: 実在するものはセンターの言うとおりである
demo-opening-ended = … その後きれいに終わる（{ $who }）

demo-chapter-record = 7. 記録
demo-log-verified = 記録の連鎖は途切れていない
demo-three-points = 発信元・アクセスポイント・接続先が、それぞれ回線を記録した
demo-points-agree = 三者の記録は一致している
