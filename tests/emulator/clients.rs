//! The real `tapo` crate logs in, lists, switches and reads.

use heattrax::emulator::Model;
use tapo::Plug as Which;

use crate::bench::{client, plug};

#[tokio::test]
async fn a_strip_with_meters_is_listed_switched_and_read() {
    for model in [Model::P210M, Model::P304m] {
        let device = plug(model).await;
        for slot in 1..=model.outlets() {
            device.set_load(slot, 68.3);
        }
        let strip = client().p304(device.address().to_string()).await.unwrap();
        let info = strip.get_device_info().await.unwrap();
        assert_eq!((info.model.as_str(), info.device_id), (model.name(), device.device_id()));
        let children = strip.get_child_device_list().await.unwrap();
        assert_eq!(children.len(), usize::from(model.outlets()));
        for slot in 1..=model.outlets() {
            let outlet = strip.plug(Which::ByPosition(slot)).await.unwrap();
            outlet.on().await.unwrap();
            assert!(device.relay(slot) && outlet.get_device_info().await.unwrap().device_on);
            assert_eq!(outlet.get_current_power().await.unwrap().current_power, 68);
            assert_eq!(outlet.get_energy_usage().await.unwrap().current_power, None);
            outlet.get_device_usage().await.unwrap();
            outlet.off().await.unwrap();
            assert!(!device.relay(slot) && !outlet.get_device_info().await.unwrap().device_on);
        }
    }
}

#[tokio::test]
async fn a_strip_without_meters_is_listed_switched_and_read() {
    for (model, order) in [(Model::P300, vec![3, 2, 1]), (Model::P400m, vec![2, 1])] {
        let device = plug(model).await;
        let strip = client().p300(device.address().to_string()).await.unwrap();
        let children = strip.get_child_device_list().await.unwrap();
        assert_eq!(children.iter().map(|child| child.position).collect::<Vec<_>>(), order);
        for child in children {
            let outlet = strip.plug(Which::ByDeviceId(child.device_id)).await.unwrap();
            outlet.on().await.unwrap();
            assert!(device.relay(child.position) && outlet.get_device_info().await.unwrap().device_on);
            outlet.off().await.unwrap();
            assert!(!device.relay(child.position) && !outlet.get_device_info().await.unwrap().device_on);
        }
    }
}

#[tokio::test]
async fn an_ep40m_lists_outlet_2_first_and_lacks_what_the_typed_list_wants() {
    let device = plug(Model::Ep40m).await;
    let strip = client().p300(device.address().to_string()).await.unwrap();
    assert!(strip.get_child_device_list().await.unwrap_err().to_string().contains("auto_off_remain_time"));
    let list = strip.get_child_device_list_json().await.unwrap();
    let children = list["child_device_list"].as_array().unwrap();
    assert_eq!(children.iter().map(|child| child["position"].as_u64().unwrap()).collect::<Vec<_>>(), [2, 1]);
    for child in children {
        let slot = u8::try_from(child["position"].as_u64().unwrap()).unwrap();
        let outlet = strip.plug_unchecked(child["device_id"].as_str().unwrap());
        outlet.on().await.unwrap();
        assert!(device.relay(slot));
        assert_eq!(outlet.get_device_info_json().await.unwrap()["device_on"], true);
        outlet.off().await.unwrap();
        assert!(!device.relay(slot));
    }
}

#[tokio::test]
async fn a_single_plug_with_a_meter_is_switched_and_read() {
    let device = plug(Model::P110m).await;
    device.set_load(1, 1500.5);
    let plug = client().p110(device.address().to_string()).await.unwrap();
    plug.on().await.unwrap();
    assert!(plug.get_device_info().await.unwrap().device_on);
    assert_eq!(plug.get_energy_usage().await.unwrap().current_power, Some(1_500_500));
    let meter = plug.get_energy_meter_data().await.unwrap();
    assert_eq!((meter.power_mw, meter.voltage_mv, meter.current_ma), (1_500_500, 120_254, 12_478));
    plug.off().await.unwrap();
    assert!(!plug.get_device_info().await.unwrap().device_on);
}

#[tokio::test]
async fn a_single_plug_without_a_meter_is_switched_and_read() {
    let device = plug(Model::P100).await;
    let plug = client().p100(device.address().to_string()).await.unwrap();
    plug.on().await.unwrap();
    assert!(device.relay(1) && plug.get_device_info().await.unwrap().device_on);
    plug.off().await.unwrap();
    assert!(!device.relay(1) && !plug.get_device_info().await.unwrap().device_on);
}

#[tokio::test]
async fn an_older_p110_and_a_p306_are_switched_although_their_typed_answers_lack_fields() {
    let device = plug(Model::P110).await;
    let plug_110 = client().p110(device.address().to_string()).await.unwrap();
    plug_110.on().await.unwrap();
    assert!(device.relay(1));
    assert!(plug_110.get_device_info().await.unwrap_err().to_string().contains("charging_status"));
    assert_eq!(plug_110.get_device_info_json().await.unwrap()["device_on"], true);

    let device = plug(Model::P306).await;
    let strip = client().p300(device.address().to_string()).await.unwrap();
    strip.get_child_device_list().await.expect_err("the night light is no outlet");
    strip.plug_unchecked(format!("{}03", device.device_id())).on().await.unwrap();
    assert_eq!((device.relay(4), device.relay(3)), (true, false));
}
