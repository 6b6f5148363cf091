# plan: 計画を作れない理由（O010 の中）
plan-not-an-end = { $grant } は { $site } を通りません
plan-unknown-host = { $site } の機器 { $host } は、{ $grant } のアドレスでは定義されていません
plan-already-open = { $grant } はすでに開いています
plan-not-open = { $grant } は開いていません
plan-service-changed = 接続を開いた後に、サービスの内容が変わりました
plan-misfit = 変更が { $site } の状態に合いません（「{ $said }」）
plan-unwritable = 文書をこのままでは書き出せません（「{ $said }」）
