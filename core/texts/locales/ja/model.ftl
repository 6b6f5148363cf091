# 責任区間（N12）
section-terminal = 利用者・端末
section-in-house-lan = 自施設（院内ネットワーク）
section-access-line = アクセス回線
section-operator = ネットワーク事業者
section-peer = 相手施設
section-service = サービス
section-with-note = { $section }：{ $note }

# ゾーン（G8）
zone-high-secure = 高機密ゾーン（High Secure Zone）
zone-secure = 機密ゾーン（Secure Zone）
zone-dmz = 公開ゾーン（DMZ）

# 施設の型（G9）
site-model-large = 大規模機関
site-model-small = 小規模機関
site-model-service-provider = サービス提供事業者

# 回線の種類（G17）
line-kind-leased = 専用線
line-kind-isdn = ISDN 回線
line-kind-closed-ip = 閉域 IP 網
line-kind-wide-ethernet = 広域イーサネット
line-kind-ip-vpn = IP-VPN
line-kind-internet = インターネット

# 合意の当事者
side-consumer = 利用する側
side-provider = 提供する側

# 接続の状態
state-requested = 受付済み
state-opening = 接続処理中
state-open = 接続中
state-closing = 切断処理中
state-closed = 切断済み
state-refused = 拒否

# 資格（hcRole）
role-medical-doctor = 医師
role-dentist = 歯科医師
role-pharmacist = 薬剤師
role-medical-technologist = 臨床検査技師
role-radiological-technologist = 診療放射線技師
role-general-nurse = 看護師
role-public-health-nurse = 保健師
role-midwife = 助産師
role-physical-therapist = 理学療法士
role-occupational-therapist = 作業療法士
role-orthoptist = 視能訓練士
role-speech-therapist = 言語聴覚士
role-dental-technician = 歯科技工士
role-national-registered-dietitian = 管理栄養士
role-certified-social-worker = 社会福祉士
role-certified-care-worker = 介護福祉士
role-emergency-medical-technician = 救急救命士
role-psychiatric-social-worker = 精神保健福祉士
role-clinical-engineer = 臨床工学技士
role-massage-and-finger-pressure-practitioner = あん摩マッサージ指圧師
role-acupuncturist = はり師
role-moxibustion-practitioner = きゅう師
role-dental-hygienist = 歯科衛生士
role-prosthetics-orthotics = 義肢装具士
role-director-of-hospital = 病院長
role-director-of-clinic = 診療所院長
role-supervisor-of-pharmacy = 管理薬剤師
role-proprietor-of-pharmacy = 薬局開設者
role-director = 施設の管理責任者
