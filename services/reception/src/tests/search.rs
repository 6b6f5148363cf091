//! The directory is searched as it stands now.

use joining::Prefecture;

use super::{Desk, Place, both};

both! { a_part_of_a_name_in_any_writing_finds_it_and_changes_show_at_once_r3 }

async fn a_part_of_a_name_in_any_writing_finds_it_and_changes_show_at_once_r3(place: Place) {
    let desk = Desk::open(place).await;
    let mut one = desk.joining.registry().institution(joining::InstitutionId(9)).await.unwrap().unwrap();
    one.name = "医療法人社団　青葉ｸﾘﾆｯｸ".into();
    one.kana = "イリョウホウジンシャダンアオバクリニック".into();
    one.prefecture = Prefecture::new(13).unwrap();
    desk.joining.put_institutions(&desk.operator, vec![one.clone()]).await.unwrap();
    let found = async |words: &str| {
        let list = desk.joining.search_institutions(Prefecture::new(13), words, 20).await.unwrap();
        list.found.contains(&one)
    };
    for words in ["青葉", "あおばくりにっく", "ｱｵﾊﾞ", "クリニック 青葉", "アオバ　クリニツク"]
    {
        assert!(found(words).await, "{words}");
    }
    assert!(!found("若葉台").await);
    one.name = "若葉台クリニック".into();
    desk.joining.put_institutions(&desk.operator, vec![one.clone()]).await.unwrap();
    let list = desk.joining.search_institutions(Prefecture::new(13), "若葉台", 20).await.unwrap();
    assert_eq!((list.found.len(), list.total), (1, 1));
}
