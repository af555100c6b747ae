//! What each model says, and what it leaves out.

use heattrax::emulator::Model;
use serde_json::{Value, json};

use crate::bench::{Session, plug};

fn ids(list: &Value) -> Vec<String> {
    list["component_list"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn fields_and_methods_follow_from_the_components() {
    let pairs = [
        ("auto_off", "auto_off_status", "get_auto_off_config"),
        ("power_protection", "power_protection_status", "get_max_power"),
        ("energy_monitoring", "", "get_energy_usage"),
        ("energy_monitoring", "", "get_current_power"),
        ("charging_protection", "charging_status", ""),
        ("current_protection", "overcurrent_status", ""),
    ];
    for model in Model::ALL {
        let device = plug(model).await;
        let mut session = Session::login(device.address()).await;
        for (component, field, method) in pairs {
            let (has, info, answer) = if model.is_strip() {
                let list = session.ask_child(&device, 1, "component_nego", json!(null)).await;
                let info = session.ask_child(&device, 1, "get_device_info", json!(null)).await;
                (list, info, session.ask_child(&device, 1, method, json!({})).await)
            } else {
                let list = session.ask("component_nego", json!(null)).await;
                let info = session.ask("get_device_info", json!(null)).await;
                (list, info, session.ask(method, json!({})).await)
            };
            let has = ids(&has["result"]).iter().any(|it| it == component);
            if !field.is_empty() {
                assert_eq!(info["result"].get(field).is_some(), has, "{model} {field}");
            }
            if !method.is_empty() {
                assert_eq!(answer["error_code"], if has { 0 } else { -1002 }, "{model} {method}");
            }
        }
    }
}

#[tokio::test]
async fn children_are_listed_in_the_order_of_the_model_with_the_ids_of_their_positions() {
    let orders: [(Model, &[u64]); 6] = [
        (Model::P210M, &[1, 2]),
        (Model::Ep40m, &[2, 1]),
        (Model::P400m, &[2, 1]),
        (Model::P300, &[3, 2, 1]),
        (Model::P304m, &[1, 2, 3, 4]),
        (Model::P306, &[4, 3, 2, 1, 5]),
    ];
    for (model, order) in orders {
        let device = plug(model).await;
        let mut session = Session::login(device.address()).await;
        let list = session.ask("get_child_device_list", json!({"start_index": 0})).await["result"].clone();
        let children = list["child_device_list"].as_array().unwrap();
        assert_eq!(children.iter().map(|it| it["position"].as_u64().unwrap()).collect::<Vec<_>>(), order, "{model}");
        assert_eq!(list["sum"], order.len());
        for child in children {
            let expected = format!("{}{:02}", device.device_id(), child["position"].as_u64().unwrap() - 1);
            assert_eq!(child["device_id"], expected);
            assert_eq!(
                (&child["original_device_id"], &child["type"]),
                (&json!(device.device_id()), &json!(family(model, child)))
            );
        }
        let rest = session.ask("get_child_device_list", json!({"start_index": 1})).await["result"].clone();
        assert_eq!(rest["child_device_list"][0], children[1]);
        let past = session.ask("get_child_device_list", json!({"start_index": u64::MAX})).await["result"].clone();
        assert_eq!(past["child_device_list"], json!([]));
        let components = session.ask("get_child_device_component_list", json!({"start_index": 0})).await;
        assert_eq!(components["result"]["child_component_list"][0]["device_id"], children[0]["device_id"]);
        let info = session.ask("get_device_info", json!(null)).await["result"].clone();
        assert!(info.get("device_on").is_none(), "the housing of a strip has no relay");
        assert_eq!(device.device_id().len(), 40);
    }
}

fn family(model: Model, child: &Value) -> &'static str {
    if child["category"] == "plug.powerstrip.sub-bulb" { "SMART.TAPOBULB" } else { model.family() }
}

#[tokio::test]
async fn the_night_light_of_a_p306_is_no_outlet() {
    let device = plug(Model::P306).await;
    let mut session = Session::login(device.address()).await;
    let lamp = session.ask_child(&device, 5, "get_device_info", json!(null)).await["result"].clone();
    assert_eq!((&lamp["category"], &lamp["brightness"]), (&json!("plug.powerstrip.sub-bulb"), &json!(100)));
    assert!(lamp.get("auto_off_status").is_none());
    let components = session.ask_child(&device, 5, "component_nego", json!(null)).await;
    let ids = ids(&components["result"]);
    assert!(ids.iter().any(|it| it == "brightness") && !ids.iter().any(|it| it == "auto_off"));
}

#[tokio::test]
async fn older_and_newer_firmware_differ_in_what_is_missing() {
    let cases = [
        (Model::P100, Some("overheated"), None, false),
        (Model::P110, Some("overheated"), None, false),
        (Model::P110m, None, Some(0), true),
    ];
    for (model, heat, emeter, milliwatt_hours) in cases {
        let device = plug(model).await;
        let mut session = Session::login(device.address()).await;
        let info = session.ask("get_device_info", json!(null)).await["result"].clone();
        let said = ["overheated", "overheat_status"].into_iter().find(|it| info.get(it).is_some());
        assert_eq!(said, heat, "{model}");
        let data = session.ask("get_emeter_data", json!(null)).await;
        assert_eq!(data["error_code"], emeter.unwrap_or(-1002), "{model}");
        assert_eq!(data["result"].get("energy_mwh").is_some(), milliwatt_hours, "{model}");
    }
}

#[tokio::test]
async fn several_requests_are_answered_up_to_the_first_that_fails() {
    let device = plug(Model::P110m).await;
    let mut session = Session::login(device.address()).await;
    let requests = json!({"requests": [
        {"method": "get_device_time"}, {"method": "no_such_method"}, {"method": "set_device_info", "params": {"device_on": true}},
    ]});
    let answer = session.ask("multipleRequest", requests).await;
    let codes: Vec<_> = answer["result"]["responses"].as_array().unwrap().iter().map(|it| &it["error_code"]).collect();
    assert_eq!(codes, [0, -1002]);
    assert_eq!(answer["error_code"], 0);
    assert!(!device.relay(1));
    let nested = json!({"requests": [{"method": "multipleRequest", "params": {"requests": []}}]});
    assert_eq!(session.ask("multipleRequest", nested).await["error_code"], -1008);
    let many: Vec<_> = (0..33).map(|_| json!({"method": "get_device_time"})).collect();
    assert_eq!(session.ask("multipleRequest", json!({"requests": many})).await["error_code"], -1003);
}

#[tokio::test]
async fn a_child_is_asked_bare_and_wrapped_and_must_exist() {
    let device = plug(Model::P300).await;
    let mut session = Session::login(device.address()).await;
    let bare = session.ask_child(&device, 2, "set_device_info", json!({"device_on": true})).await;
    assert_eq!(bare, json!({"error_code": 0}));
    let off = json!({"requests": [{"method": "set_device_info", "params": {"device_on": false}}]});
    let wrapped = session.ask_child(&device, 2, "multipleRequest", off).await;
    assert_eq!(
        wrapped,
        json!({"error_code": 0, "result": {"responses": [{"error_code": 0, "method": "set_device_info"}]}})
    );
    assert_eq!(device.log().iter().map(|it| (it.slot, it.on)).collect::<Vec<_>>(), [(2, true), (2, false)]);
    let unknown = json!({"device_id": "8022", "requestData": {"method": "get_device_info"}});
    assert_eq!(session.ask("control_child", unknown).await["error_code"], -1008);
}

#[tokio::test]
async fn wrong_parameters_change_nothing() {
    let device = plug(Model::P110m).await;
    let mut session = Session::login(device.address()).await;
    let wrong = [
        json!(null),
        json!({"device_on": "yes"}),
        json!({"device_on": true, "nickname": 7}),
        json!({"device_on": true, "nickname": "%%"}),
        json!({"device_on": true, "default_states": {"type": "custom"}}),
    ];
    for params in wrong {
        assert_eq!(session.ask("set_device_info", params.clone()).await["error_code"], -1008, "{params}");
    }
    assert!(device.log().is_empty());
    session.ask("set_device_info", json!({"nickname": "RHJpdmV3YXk="})).await;
    assert_eq!(session.ask("get_device_info", json!(null)).await["result"]["nickname"], "RHJpdmV3YXk=");
}

#[test]
fn a_model_is_known_by_its_name_and_an_unknown_one_is_told_the_names() {
    for model in Model::ALL {
        assert_eq!(model.to_string().to_lowercase().parse(), Ok(model));
    }
    let error = "HS300".parse::<Model>().unwrap_err();
    assert!(error.contains("`HS300`") && error.contains("EP40M"), "{error}");
}
