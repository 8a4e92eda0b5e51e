//! The routes, by what they are about.

mod art;
mod audit;
mod backup;
mod client_logs;
mod devices;
mod diagnostics;
mod document;
mod events;
mod health;
mod host;
mod identity;
mod login;
mod metrics;
mod pairing;
mod pending;
mod report;
mod sessions;
mod settings;
mod update;

pub(crate) use diagnostics::redacted;

use axum::Json;
use utoipa_axum::routes;

use crate::{
    lane::Lane::{Admin, Device, Open, Sensitive},
    problem::Problem,
    table::Route,
};

/// What most routes answer.
type Answer<T> = Result<Json<T>, Problem>;

/// Every route of the API.
pub(crate) fn table() -> Vec<Route> {
    let anybody = Open { unclaimed: true };
    let mut table = vec![
        Route::new(anybody, routes!(health::health)),
        Route::new(anybody, routes!(health::health_short)),
        Route::new(anybody, routes!(login::claim)),
        Route::new(Open { unclaimed: false }, routes!(login::log_in)),
        Route::new(Admin, routes!(login::show_login)),
        Route::new(Admin, routes!(login::confirm_login)),
        Route::new(Admin, routes!(login::log_out)),
        Route::new(Sensitive, routes!(login::change_password)),
        Route::new(Device, routes!(host::show_host)),
        Route::new(Device, routes!(host::show_status)),
        Route::new(Device, routes!(host::list_compositors)),
        Route::new(Device, routes!(host::list_library)),
        Route::new(Device, routes!(art::show_art)),
        Route::new(Device, routes!(client_logs::send_client_logs)).with_body_limit(client_logs::BODY_LIMIT).with_text(),
        Route::new(Admin, routes!(host::show_overview)),
    ];
    table.extend(access());
    table.extend(machine());
    table
}

/// Devices and their sessions.
fn access() -> [Route; 17] {
    [
        Route::new(Admin, routes!(pairing::show_pairing)),
        Route::new(Sensitive, routes!(pairing::arm_pairing)),
        Route::new(Admin, routes!(pairing::disarm_pairing)),
        Route::new(Admin, routes!(pairing::list_moonlights)),
        Route::new(Sensitive, routes!(pairing::type_moonlight_pin)),
        Route::new(Admin, routes!(pending::list_pending)),
        Route::new(Sensitive, routes!(pending::approve_pending)),
        Route::new(Admin, routes!(pending::deny_pending)),
        Route::new(Admin, routes!(devices::list_devices)),
        Route::new(Sensitive, routes!(devices::change_device)),
        Route::new(Sensitive, routes!(devices::revoke_device)),
        Route::new(Admin, routes!(sessions::list_sessions)),
        Route::new(Admin, routes!(sessions::list_ended_sessions)),
        Route::new(Admin, routes!(sessions::list_samples)),
        Route::new(Admin, routes!(sessions::stop_session)),
        Route::new(Admin, routes!(sessions::request_keyframe)),
        Route::new(Admin, routes!(events::listen)),
    ]
}

/// The machine: its settings, what is wrong with it, its identity.
fn machine() -> [Route; 25] {
    [
        Route::new(Admin, routes!(settings::list_settings)),
        Route::new(Sensitive, routes!(settings::change_settings)),
        Route::new(Sensitive, routes!(settings::restart)),
        Route::new(Admin, routes!(diagnostics::list_probes)),
        Route::new(Admin, routes!(diagnostics::show_doctor)),
        Route::new(Admin, routes!(diagnostics::run_doctor)),
        Route::new(Admin, routes!(diagnostics::list_logs)),
        Route::new(Admin, routes!(report::write_report)),
        Route::new(Admin, routes!(audit::list_audit)),
        Route::new(Admin, routes!(audit::verify_audit)),
        Route::new(Sensitive, routes!(backup::back_up)),
        Route::new(Sensitive, routes!(backup::restore)).with_body_limit(backup::RESTORE_BODY_LIMIT),
        Route::new(Admin, routes!(identity::show_identity)),
        Route::new(Sensitive, routes!(identity::prepare_identity)),
        Route::new(Sensitive, routes!(identity::withdraw_identity)),
        Route::new(Sensitive, routes!(identity::promote_identity)),
        Route::new(Admin, routes!(update::show_update)),
        Route::new(Admin, routes!(update::check_update)),
        Route::new(Sensitive, routes!(update::begin_update_files)),
        Route::new(Sensitive, routes!(update::bring_update_file)).with_body_limit(update::PIECE_LIMIT).with_octets(),
        Route::new(Sensitive, routes!(update::stage_update)),
        Route::new(Sensitive, routes!(update::apply_update)),
        Route::new(Admin, routes!(update::dismiss_update)),
        Route::new(Admin, routes!(metrics::show_metrics)),
        Route::new(Admin, routes!(document::show_document)),
    ]
}
