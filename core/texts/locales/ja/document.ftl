### 定義文書の誤り（`model::DocumentFault`）。$place はファイルと行、または拠点とその中の要素です。

document-syntax = { $place }：{ $kind ->
    [twice] 同じ名前が、もう一度書かれています
    [list-open] 一覧の [ が、] で閉じられていません
    [table-open] 表の括弧が閉じられていません
    [open] 開いた括弧や引用符が閉じられていません
    [no-value] 名前だけで、= と値がありません
    [unquoted] 文字列が引用符 " で囲まれていません
    [comma] カンマが足りないか、余分です
    [string] 引用符の中の文字列を読み取れません
    [key] = の前の名前を読み取れません
    [value] = の後の値を読み取れません
   *[other] TOML の形式として読み取れません
 }（読み取り機能の表示：「{ $detail }」）
document-syntax-do = { $kind ->
    [twice] どちらかの行を消してください。機器やセグメントなどを追加するときは、[[host]] のような見出し行から始めます
    [list-open] 一覧を ] で閉じてください
    [table-open] 括弧を閉じてください。例：[site]、[[host]]、{"{"} roles = […] {"}"}
    [no-value] 「名前 = 値」の形で書いてください。例：vlan = 20
    [unquoted] 文字列を引用符で囲んでください。例：id = "clinic"
    [string] 文字列を、同じ行の中で " から " までに収めてください
    [key] 名前には英数字と - と _ を使い、= と値を続けてください
    [comma] 要素と要素の間に、カンマを一つずつ書いてください。一覧は ] で、表は {"}"} で閉じます
   *[other] この行とその上の行を手引きの例と見比べて直し、やり直してください
 }
document-unknown-field = { $place }：項目 { $field } は、ここには書けません
document-unknown-field-do = その行を消すか、項目名を直してください。ここに書ける項目：{ $expected }
document-unknown-word = { $place }：{ $field } に「{ $found }」は指定できません
document-unknown-word-do = 次のどれかを指定してください：{ $expected }
document-missing-field = { $place }：項目 { $field } がありません
document-missing-field-do = その行から始まる表に、{ $field } = … の行を加えてください
document-wrong-type = { $place }：{ $field } には、{ $expected }を書きます（今は、{ $found }です）
document-wrong-type-do = { $expected }を書いてください
document-wrong-shape = { $place }：{ $field } の「{ $found }」は、{ $expected }ではありません
document-wrong-shape-do = { $expected }を書いてください
document-unreadable = { $place }：{ $field } を読み取れません（読み取り機能の表示：「{ $detail }」）
document-unreadable-do = 手引きの例と見比べて直し、やり直してください

document-shape-text = 引用符で囲んだ文字列
document-shape-number = 引用符のない整数
document-shape-small-number = 引用符のない 0～65535 の整数
document-shape-fraction = 小数
document-shape-yes-or-no = true または false（引用符なし）
document-shape-date = 引用符のない日付
document-shape-list = [ ] で囲んだ一覧
document-shape-table = 見出しのある表、または {"{"} {"}"} で囲んだ表
document-shape-name = 英小文字・数字・- による 1～63 文字の名前（先頭は英小文字か数字）
document-shape-host-ref = 「拠点/機器」の形の機器名
document-shape-service = 「機関/サービス」の形のサービス名
document-shape-agreement = 英数字と - による 1～63 文字の合意番号（例：A-0012）
document-shape-mac = 02:00:00:01:20:11 のような MAC アドレス
document-shape-dpid = 16 進数 16 桁のデータパス ID
document-shape-port = sw1/3 のようなスイッチのポート（番号は 1～65279）
document-shape-address = 10.1.20.11 のような IP アドレス
document-shape-prefix = 10.1.20.0/24 のようなアドレスの範囲
document-shape-never = S01～S999 の形の約束の番号
document-shape-part = zone:high-secure、segment:exam-rooms、host:exam-1、host:hospital/portal、site:hospital、outside のような、ネットワークの一部の名前
document-shape-window = 08:30-17:00 のような毎日の時間帯（日本時間）
document-shape-time = 2026-11-21T18:00:00+09:00 のような、引用符で囲んだ日時
document-shape-socket = 192.0.2.2:7443 や [2001:db8::1]:7443 のような、ポート番号付きのアドレス
document-shape-http = http:// で始まるアドレス（応答には署名があるので、https は不要です）
document-shape-other = 別の種類の値

document-export-unreadable = { $place }：「sekisho export」が書き出したままのファイルではありません（読み取り機能の表示：「{ $detail }」）
document-export-unreadable-do = 「sekisho export」が書き出したファイル全体を渡してください。途中で切れている場合は、書き出しをやり直してください
document-export-version = { $place }：ファイルの版は { $found } です。このプログラムが読めるのは版 { $reads } です
document-export-version-do = この版のプログラムで書き出し直すか、ファイルを書き出した版のプログラムで取り込んでください
document-export-changed = { $place }：書き出した後に、ファイルの内容が変えられています
document-export-changed-do = 変更は定義文書で行って適用してください。変更しない場合は、書き出しをやり直してください
document-export-unsayable = { $place }：{ $part } の内容に、定義文書では書けないものがあります
document-export-unsayable-do = 変更は定義文書で行って適用するか、元の環境で書き出しをやり直してください

document-no-site = { $place }：拠点の要素が書かれていますが、[site] がありません
document-no-site-do = [site] を加え、id と model を書いてください
document-two-institutions = { $place }：[site] の機関は { $named }、[institution] の機関は { $institution } になっています
document-two-institutions-do = どちらにも同じ機関を書いてください
document-no-institution = { $place }：拠点 { $site } の機関が書かれていません
document-no-institution-do = [institution] を加えるか、[site] の下に institution = "…" の行を加えてください
document-no-gateway = { $place }：拠点 { $site } に [gateway] がありません
document-no-gateway-do = [gateway] を加え、uplink、mac、ike_identity を書いてください
document-no-switch = { $place }：拠点 { $site } に [[switch]] がありません
document-no-switch-do = [[switch]] を加え、id と dpid を書いてください
document-several-switches = { $place }：拠点 { $site } のスイッチが複数書かれています
document-several-switches-do = 1 台だけ残してください。この版では、拠点のスイッチは 1 台です
document-described-twice = { $place }：{ $kind ->
    [segment] セグメント
   *[host] 機器
 } { $id } が二度書かれています
document-described-twice-do = どちらかを消すか、片方に別の id を付けてください
document-too-many-nevers = { $place }：約束の数が上限を超えています
document-too-many-nevers-do = 1 拠点の約束は 999 件までです。要らなくなったものを消してください
document-never-twice = { $place }：約束の番号 { $id } が、別の約束と重なっています
document-never-twice-do = [[never]] ごとに別の id を付けてください
document-never-outside = { $place }：{ $from } と { $to } は、どちらも { $site } の外です
document-never-outside-do = 拠点が禁じられるのは、自拠点から始まる通信と自拠点に届く通信です。片方には自拠点のゾーン、セグメント、機器を書いてください
document-never-unreasoned = { $place }：約束の理由が書かれていません
document-never-unreasoned-do = because に、理由を日本語と英語の両方で書いてください
document-ports = { $place }：ポート番号が空か、重なっているか、0 です
document-ports-do = 1～65535 のポート番号を、一つずつ書いてください
document-no-role = { $place }：資格が書かれていません
document-no-role-do = roles に資格を一つ以上書いてください。例：「Medical Doctor」（医師）
document-no-terminal = { $place }：端末が書かれていません
document-no-terminal-do = from に端末を一つ以上書いてください
document-other-provider = { $place }：サービス { $service } は、{ $provider } のものではありません
document-other-provider-do = provider には、サービスを提供する機関を書いてください
document-one-party = { $place }：合意の両方の側が { $institution } になっています
document-one-party-do = 二つの機関を書いてください。同じ機関の中では合意は要りません
document-agreement-ends-first = { $place }：合意の終わりが、始まりより前です
document-agreement-ends-first-do = valid_until を valid_from より後にしてください
document-warns-too-early = { $place }：終了の予告が、{ $seconds } 秒の利用時間より前になります
document-warns-too-early-do = warn_minutes または warn_seconds を、利用時間より短くしてください
document-exclusive-and-shares = { $place }：exclusive（占有）と shares（譲る側）の両方が書かれています
document-exclusive-and-shares-do = exclusive か shares のどちらか一方にしてください
document-time-twice = { $place }：{ $what ->
    [lease] 利用時間
    [idle] 無通信の時間
    [warn] 予告の時間
   *[wait] 承認を待つ時間
 }が、分と秒の両方で書かれています
document-time-twice-do = { $what }_minutes か { $what }_seconds のどちらか一方にしてください
document-time-out-of-bounds = { $place }：{ $what ->
    [lease] 利用時間
    [idle] 無通信の時間
    [warn] 予告の時間
   *[wait] 承認を待つ時間
 }に { $seconds } 秒は指定できません
document-time-out-of-bounds-do = 1 秒から 1 日（1440 分）までで指定してください
document-booking-ends-first = { $place }：予約の終わり { $until } が、始まりより前です
document-booking-ends-first-do = until を from より後にしてください
document-named-twice = { $place }：{ $field } に同じものが二度書かれています
document-named-twice-do = 一つずつにしてください
document-site-twice = { $place }：この拠点の定義文書が二つあります
document-site-twice-do = どちらか一方を適用してください
document-service-twice = { $place }：この id のサービスが二つあります
document-service-twice-do = 片方の名前を変えてください
document-service-host-unknown = { $place }：提供する機器 { $host } の定義がありません
document-service-host-unknown-do = その拠点に機器を書くか、機器名を直してください
document-agreement-service-unknown = { $place }：サービス { $service } の定義がありません
document-agreement-service-unknown-do = 先に提供側の定義文書を適用するか、サービス名を直してください
document-consumer-unknown = { $place }：機関 { $institution } の定義がありません
document-consumer-unknown-do = 先に利用側の定義文書を適用するか、機関名を直してください
document-institution-unknown = { $place }：機関 { $institution } の定義がありません
document-institution-unknown-do = [institution] に書くか、機関名を直してください
document-no-line = { $place }：拠点に回線がありません
document-no-line-do = [[line]] を加え、中継装置のアドレスを書いてください
document-uplink-elsewhere = { $place }：中継装置の接続先のスイッチ { $switch } は、この拠点にありません
document-uplink-elsewhere-do = uplink にはスイッチ { $own } を書いてください
document-zone-not-of-model = { $place }：このモデルの拠点に{ $zone }はありません（G9）
document-zone-not-of-model-do = セグメントをモデルにあるゾーンに移すか、拠点を別のモデルで作ってください
document-no-such-vlan = { $place }：VLAN { $vlan } はありません
document-no-such-vlan-do = 1～4094 から選んでください
document-vlan-taken = { $place }：VLAN { $vlan } は { $other } も使っています
document-vlan-taken-do = セグメントごとに別の VLAN にしてください
document-gateway-outside = { $place }：中継装置のアドレスが、セグメントの範囲の外です
document-gateway-outside-do = prefix の範囲の中から選んでください
document-not-routed = { $place }：{ $prefix } はリンクローカルまたはマルチキャストで、中継できません
document-not-routed-do = 自施設のグローバルアドレスまたはユニークローカルアドレス（RFC 4193）にしてください
document-segment-unknown = { $place }：セグメント { $segment } の定義がありません
document-segment-unknown-do = この拠点のセグメントを書いてください
document-address-outside = { $place }：{ $address } は { $segment }（{ $prefix }）の範囲の外です
document-address-outside-do = セグメントの範囲の中のアドレスを付けてください
document-address-of-gateway = { $place }：{ $address } は中継装置のアドレスです
document-address-of-gateway-do = 機器に別のアドレスを付けてください
document-two-zones = { $place }：このアドレスは{ $one }と{ $other }の両方に入ります
document-two-zones-do = 二つのセグメントの範囲が重ならないようにしてください
document-switch-unknown = { $place }：スイッチ { $switch } の定義がありません
document-switch-unknown-do = port にはスイッチ { $own } を書いてください
document-port-of-gateway = { $place }：ポート { $port } は中継装置が使っています
document-port-of-gateway-do = 機器を別のポートにつないでください
document-mac-of-gateway = { $place }：{ $mac } は中継装置の MAC アドレスです
document-mac-of-gateway-do = どちらかを直してください
document-hosts-alike = { $place }：{ $what ->
    [port] スイッチのポート
    [mac] MAC アドレス
   *[address] IP アドレス
 }が { $other } と同じです
document-hosts-alike-do = 機器ごとに別のものにしてください
document-host-unknown = { $place }：機器 { $host } の定義がありません
document-host-unknown-do = この拠点の機器を書いてください
document-not-a-terminal = { $place }：機器 { $host } は端末ではありません
document-not-a-terminal-do = その機器に terminal = true と書くか、別の端末を書いてください
document-two-families = { $place }：{ $from } と { $to } は IPv4 と IPv6 に分かれていて、互いに通信できません
document-two-families-do = IPv4 どうし、または IPv6 どうしの機器を書いてください
document-transit-host-unknown = { $place }：機器 { $host } の定義がありません
document-transit-host-unknown-do = 定義のある機器を「拠点/機器」の形で書いてください
document-part-unknown = { $place }：{ $part } の定義がありません
document-part-unknown-do = 定義のあるものを書いてください。ないものについての約束は、何も守りません
document-overlap = { $place }：アドレスの範囲 { $prefix } が、{ $of } の { $other } と重なっています
document-overlap-do = どちらかのアドレスの範囲を変えてください
document-dpid-taken = { $place }：データパス ID { $dpid } は { $other } も使っています
document-dpid-taken-do = スイッチごとに別の ID にしてください
document-ike-identity-taken = { $place }：IKE での名前 { $identity } は { $other } も使っています
document-ike-identity-taken-do = 中継装置ごとに別の名前にしてください
document-line-address-taken = { $place }：回線のアドレス { $address } は { $other } も使っています
document-line-address-taken-do = どちらかを直してください
document-not-agreements-alone = { $place }：合意だけの文書ではありません
document-not-agreements-alone-do = 合意だけを、「sekisho agreement sign」が書き出した形で送ってください
document-nobody-signed = { $place }：合意に誰も署名していません
document-nobody-signed-do = 「sekisho agreement sign」で署名し、書き出されたものを送ってください
