//! The server's configuration, written anew for every session.

use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use super::sockets::make_directory;
use crate::{
    FRAME, Layout, RATE,
    graph::{LATENCY, SINK},
    line::Part,
};

/// The files.
pub(super) struct Configuration(Vec<(&'static str, String)>);

impl Configuration {
    pub(super) fn new(layout: Layout) -> Self {
        Self(vec![
            ("pipewire.conf", pipewire(layout)),
            ("pipewire-pulse.conf", pulse()),
            ("client.conf", CLIENT.replace("@PLUGINS@", PLUGINS)),
            ("wireplumber.conf", WIREPLUMBER_0_4.replace("@PLUGINS@", PLUGINS)),
            ("policy.lua.d/punktfunk.lua", POLICY_0_4.to_owned()),
            ("xdg/wireplumber/wireplumber.conf.d/punktfunk.conf", PROFILE_0_5.to_owned()),
        ])
    }

    /// Writes them below `directory` and says where that is.
    pub(super) fn write(&self, directory: &Path) -> io::Result<PathBuf> {
        for (name, text) in &self.0 {
            let path = directory.join(name);
            make_directory(path.parent().unwrap_or(directory))?;
            fs::write(path, text)?;
        }
        Ok(directory.to_owned())
    }
}

/// How a program is started so that it finds the files.
pub(super) struct Invocation {
    pub(super) words: Vec<OsString>,
    pub(super) environment: Vec<(&'static str, OsString)>,
}

impl Invocation {
    pub(super) fn of(part: Part, program: &Path, configuration: &Path) -> io::Result<Self> {
        let here = || configuration.as_os_str().to_owned();
        let mut environment = vec![("PIPEWIRE_CONFIG_DIR", here())];
        let words = match part {
            Part::PipeWire => vec!["-c", "pipewire.conf"],
            Part::Pulse => vec!["-c", "pipewire-pulse.conf"],
            Part::WirePlumber => {
                environment.push(("WIREPLUMBER_DEBUG", "1".into()));
                environment.push(("XDG_STATE_HOME", configuration.join("state").into()));
                if is_0_4(program)? {
                    environment.push(("WIREPLUMBER_CONFIG_DIR", here()));
                    Vec::new()
                } else {
                    // Read beside what is installed, not instead of it.
                    environment.push(("XDG_CONFIG_HOME", configuration.join("xdg").into()));
                    vec!["--profile", "punktfunk"]
                }
            }
        };
        Ok(Self { words: words.into_iter().map(OsString::from).collect(), environment })
    }
}

/// WirePlumber 0.4 is configured in Lua, later ones by a profile.
fn is_0_4(program: &Path) -> io::Result<bool> {
    let output = Command::new(program).arg("--version").output()?;
    Ok(String::from_utf8_lossy(&output.stdout).contains("libwireplumber 0.4."))
}

fn pipewire(layout: Layout) -> String {
    let positions = layout.names().join(" ");
    PIPEWIRE
        .replace("@PLUGINS@", PLUGINS)
        .replace("@RATE@", &RATE.to_string())
        .replace("@FRAME@", &FRAME.to_string())
        .replace("@SINK@", SINK)
        .replace("@POSITIONS@", &positions)
}

fn pulse() -> String {
    PULSE.replace("@PLUGINS@", PLUGINS).replace("@LATENCY@", LATENCY)
}

const PLUGINS: &str = "\
context.spa-libs = {
    audio.convert.* = audioconvert/libspa-audioconvert
    support.* = support/libspa-support
}
";

/// One output, which stands still while nobody plays. Every packet is 5 ms: the graph runs at that and nothing else.
const PIPEWIRE: &str = "\
context.properties = {
    core.daemon = true
    core.name = pipewire-0
    log.level = 1
    support.dbus = false
    mem.allow-mlock = false
    default.clock.rate = @RATE@
    default.clock.allowed-rates = [ @RATE@ ]
    default.clock.quantum = @FRAME@
    default.clock.min-quantum = @FRAME@
    default.clock.max-quantum = @FRAME@
}
@PLUGINS@
context.modules = [
    { name = libpipewire-module-protocol-native }
    { name = libpipewire-module-metadata }
    { name = libpipewire-module-spa-node-factory }
    { name = libpipewire-module-client-node }
    { name = libpipewire-module-access }
    { name = libpipewire-module-adapter }
    { name = libpipewire-module-link-factory }
    { name = libpipewire-module-session-manager }
]
context.objects = [
    { factory = spa-node-factory
      args = {
        factory.name = support.node.driver
        node.name = Dummy-Driver
        node.group = pipewire.dummy
        priority.driver = 20000
      } }
    { factory = adapter
      args = {
        factory.name = support.null-audio-sink
        node.name = @SINK@
        node.description = Stream
        media.class = Audio/Sink
        object.linger = true
        audio.rate = @RATE@
        audio.position = [ @POSITIONS@ ]
        monitor.channel-volumes = true
        priority.session = 2000
        priority.driver = 30000
      } }
]
";

const PULSE: &str = "\
context.properties = {
    log.level = 1
    support.dbus = false
    mem.allow-mlock = false
}
@PLUGINS@
context.modules = [
    { name = libpipewire-module-protocol-native }
    { name = libpipewire-module-client-node }
    { name = libpipewire-module-adapter }
    { name = libpipewire-module-metadata }
    { name = libpipewire-module-protocol-pulse }
]
pulse.cmd = [ ]
pulse.properties = {
    server.address = [ \"unix:native\" ]
    server.dbus-name = \"\"
    pulse.min.req = @LATENCY@
    pulse.min.frag = @LATENCY@
    pulse.min.quantum = @LATENCY@
}
";

/// For the capture.
const CLIENT: &str = "\
context.properties = {
    log.level = 1
    support.dbus = false
    mem.allow-mlock = false
}
@PLUGINS@
context.modules = [
    { name = libpipewire-module-protocol-native }
    { name = libpipewire-module-client-node }
    { name = libpipewire-module-adapter }
    { name = libpipewire-module-metadata }
]
";

const WIREPLUMBER_0_4: &str = "\
context.properties = {
    application.name = WirePlumber
    log.level = 1
    support.dbus = false
    mem.allow-mlock = false
    wireplumber.script-engine = lua-scripting
    wireplumber.export-core = false
}
@PLUGINS@
context.modules = [
    { name = libpipewire-module-protocol-native }
    { name = libpipewire-module-client-node }
    { name = libpipewire-module-client-device }
    { name = libpipewire-module-adapter }
    { name = libpipewire-module-metadata }
    { name = libpipewire-module-session-manager }
]
wireplumber.components = [
    { name = libwireplumber-module-lua-scripting, type = module }
    { name = policy.lua, type = config/lua }
]
";

/// What connects streams to the output, and nothing that looks for devices.
const POLICY_0_4: &str = "\
components = {}
local function module(name, args)
  components[name] = { \"libwireplumber-module-\" .. name, type = \"module\", args = args or {} }
end
local function script(name, args)
  components[name] = { name, type = \"script/lua\", args = args or {} }
end
module(\"metadata\")
module(\"default-nodes\", { [\"use-persistent-storage\"] = false })
module(\"si-node\")
module(\"si-audio-adapter\")
module(\"si-standard-link\")
module(\"si-audio-endpoint\")
module(\"default-nodes-api\")
module(\"mixer-api\")
script(\"create-item.lua\")
script(\"policy-node.lua\", { [\"move\"] = true, [\"follow\"] = true })
";

/// The same of WirePlumber 0.5 and later: no devices, no D-Bus, nothing remembered.
const PROFILE_0_5: &str = "\
wireplumber.profiles = {
  punktfunk = { inherits = [ policy, mixin.systemwide-session, mixin.stateless ] }
}
";
