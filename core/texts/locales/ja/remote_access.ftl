# remote_access

remote-access-began = { $vpn }（{ $institution }）が { $address } から接続しました。VPN内アドレス { $inside }、端末 { $machine }
remote-access-ended = { $vpn }（{ $institution }、{ $address }）の接続が終わりました：{ $why }
remote-access-refused = { $code } { $address } からの接続を拒否しました（VPN-ID { $vpn }、端末 { $machine }）：{ $why }

remote-access-cause-v01 = 端末が証明書を提示しませんでした。端末証明書を導入し、接続プロファイルに指定してください。
remote-access-cause-v02 = 端末の証明書は当センターが信頼する認証局のものではありません。端末を登録し、他の証明書をプロファイルから外してください。
remote-access-cause-v03 = 端末の証明書は失効しています。端末が手元に安全にあるなら、新しい証明書を発行してください。
remote-access-cause-v04 = 端末の証明書は有効期間外です。端末の時計を確かめ、証明書を更新してください。
remote-access-cause-v05 = 端末の証明書について有効な失効リストがありません。センター側の問題です。新しい失効リストを公開してください。
remote-access-cause-v06 = 端末は正しいものですが、このアカウントでは使えません。所属機関の端末を使うか、この端末をアカウントに追加してください。
remote-access-cause-v11 = そのVPN-IDはありません。承認のご案内に記載のVPN-IDと見比べてください。
remote-access-cause-v12 = アカウントはロックされています。誰が試したかを電話で確かめてから解除してください。
remote-access-cause-v13 = アカウントは廃止されています。必要であれば機関から改めて申請してください。
remote-access-cause-v14 = VPNパスワードが違います。もう一度入力し、不明な場合は再発行してください。
remote-access-cause-v21 = strongSwanの起動直後で、このアカウントをまだ読み込んでいませんでした。1分ほど待って接続し直してください。
remote-access-cause-v29 = 別の理由で認証できませんでした。この時刻のstrongSwanのログを見てください。

remote-access-ending-e01 = 利用者が切断したか、回線が切れました
remote-access-ending-e02 = 運用者が切断しました
remote-access-ending-e03 = アカウントがロックされました
remote-access-ending-e04 = アカウントが廃止されました
remote-access-ending-e05 = VPNパスワードが変更されました
remote-access-ending-e06 = 端末の証明書が失効しました
remote-access-ending-e07 = この端末ではこのアカウントを使えません
remote-access-ending-e08 = strongSwanが終了しました。接続し直してください

# クライアントの種類（ダウンロードの名前）
remote-access-kind-strongswan = Linux（strongSwan）
remote-access-kind-networkmanager = Linux（NetworkManager）
remote-access-kind-windows = Windows
remote-access-kind-apple = macOS・iOS・iPadOS
remote-access-download = { $kind }：{ $file }
remote-access-manual = { $kind }：手順書
