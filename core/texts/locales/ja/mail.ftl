# mail: letters people get (R2–R6, R9); subjects are those of the usage procedure
mail-sender = 医療機関オンライン接続サービス
mail-foot = 医療機関オンライン接続サービス
    このメールは自動で送信しています。返信しないでください。
    お問い合わせ先：{ $help }
mail-application-link-subject = 【医療機関オンライン接続サービス】利用申請 URL のご案内
mail-application-link-body = 医療機関オンライン接続サービスの利用仮申請を受け付けました。
    次の URL から、利用本申請を行ってください。

    { $link }

    この URL は { $expires } まで、一度だけ使えます。
    お心当たりがない場合は、このメールを破棄してください。
mail-application-received-subject = 【医療機関オンライン接続サービス】利用申請受付のご案内
mail-application-received-body = { $institution }
    { $applicant } 様

    利用申請を受け付けました。受付番号：{ $number }
    申請の確認のため、{ $due } ごろまでに担当者からお電話します。
    { $alarm } を過ぎても連絡がない場合は、次へお問い合わせください。

    { $contact }
mail-application-approved-subject = 【医療機関オンライン接続サービス】利用申請承認のご案内
mail-application-approved-body = { $institution }
    { $applicant } 様

    利用申請を承認しました。
    利用者 ID：{ $user }
    VPN-ID：{ $vpn }
    初期パスワードは、担当者からお電話でお伝えします。メールではお知らせしません。

    { $until } までに、次の URL から初期パスワードを変更してください。
    { $url }
mail-application-rejected-subject = 【医療機関オンライン接続サービス】利用申請却下のご案内
mail-application-rejected-body = { $institution }
    { $applicant } 様

    利用申請を却下しました。
    理由：{ $reason }

    申請をやり直す場合は、次の URL から行ってください。
    { $url }
mail-service-received-subject = 【医療機関オンライン接続サービス】サービス利用申請受付のご案内
mail-service-received-body = サービスの利用申請を受け付けました。
    サービス：{ $service }
    受付番号：{ $number }

    結果は、数日から 10 日程度でメールでお知らせします。
mail-service-approved-subject = 【医療機関オンライン接続サービス】サービス利用申請承認のご案内
mail-service-approved-body = サービスの利用申請を承認しました。
    サービス：{ $service }
    受付番号：{ $number }

    次の URL から、サービスの利用を始めてください。
    { $url }
mail-service-cancelled-subject = 【医療機関オンライン接続サービス】サービス利用申請取消のご案内
mail-service-cancelled-body = サービスの利用申請は取り消されました。
    サービス：{ $service }
    受付番号：{ $number }
    理由：{ $reason }

    申請をやり直す場合は、次の URL から行ってください。
    { $url }
mail-staff-added-subject = 【医療機関オンライン接続サービス】利用者登録のご案内
mail-staff-added-body = { $institution }
    { $name } 様

    利用者として登録されました。
    利用者 ID：{ $user }
    VPN-ID：{ $vpn }
    初期パスワードは、施設の届出担当責任者から直接お聞きください。

    { $until } までに、次の URL から初期パスワードを変更してください。
    { $url }
mail-password-reset-subject = 【医療機関オンライン接続サービス】パスワード再設定のご案内
mail-password-reset-body = 利用者 { $user } のパスワードを再設定しました。
    新しい初期パスワードは、メールではお知らせしません。

    { $until } までに、次の URL からパスワードを変更してください。
    { $url }

    お心当たりがない場合は、すぐにお問い合わせください。
mail-credentials-changed-subject = 【医療機関オンライン接続サービス】認証情報変更のお知らせ
mail-credentials-changed-body = 利用者 { $user } のパスワード、または第二要素が変更されました。
    日時：{ $at }

    お心当たりがない場合は、すぐにお問い合わせください。
    どなたかが貴方の代わりに変更したおそれがあります。
mail-account-locked-subject = 【医療機関オンライン接続サービス】アカウントロックのお知らせ
mail-account-locked-body = 利用者 { $user } のパスワードの誤りが続いたため、ロックしました。
    日時：{ $at }

    お心当たりがない場合は、すぐにお問い合わせください。
    解除の方法は、ログイン画面に表示されます。

# 運用者向け
page-review-letters = メールサーバー待ちのメールがあります: { $count } 通（{ $since } から）
page-review-letters-do = メールサーバーとセンターの [joining.mail] を確認してください。メールは保存されており、自動的に再送されます
