//! An input server like gamescope's, which writes down what it gets.

use std::{
    os::unix::net::{UnixListener, UnixStream},
    sync::mpsc,
};

use reis::{
    PendingRequestResult, eis,
    handshake::EisHandshaker,
    request::{DeviceCapability, EisRequest, EisRequestConverter},
};
use rustix::event::{PollFd, PollFlags, poll};

/// What was typed, a line an event.
pub(crate) type Typed = mpsc::Receiver<String>;

/// Answers clients as gamescope does: a seat, and one device with all it takes.
pub(crate) fn serve(listener: UnixListener) -> Typed {
    let (tell, typed) = mpsc::channel();
    std::thread::spawn(move || {
        while let Ok((client, _)) = listener.accept() {
            let tell = tell.clone();
            std::thread::spawn(move || attend(client, &tell));
        }
    });
    typed
}

/// Serves one client until it leaves; `None` then.
fn attend(client: UnixStream, tell: &mpsc::Sender<String>) -> Option<()> {
    let context = eis::Context::new(client).unwrap();
    let mut handshaker = EisHandshaker::new(&context, 1);
    let greeting = loop {
        match context.pending_request() {
            None => wait(&context)?,
            Some(PendingRequestResult::Request(request)) => {
                if let Some(greeting) = handshaker.handle_request(request).ok()? {
                    break greeting;
                }
            }
            Some(_) => return None,
        }
    };
    let mut converter = EisRequestConverter::new(&context, greeting, 1);
    let connection = converter.handle().clone();
    let _seat = connection.add_seat(Some("chair"), all());
    let _ = connection.flush();
    loop {
        while let Some(PendingRequestResult::Request(request)) = context.pending_request() {
            converter.handle_request(request).ok()?;
        }
        while let Some(request) = converter.next_request() {
            answer(&request, tell);
        }
        let _ = connection.flush();
        wait(&context)?;
    }
}

fn all() -> reis::enumflags2::BitFlags<DeviceCapability> {
    DeviceCapability::Pointer
        | DeviceCapability::PointerAbsolute
        | DeviceCapability::Keyboard
        | DeviceCapability::Button
        | DeviceCapability::Scroll
}

/// Requests that are there already are not waited for.
fn wait(context: &eis::Context) -> Option<()> {
    poll(&mut [PollFd::new(context, PollFlags::IN)], None).ok()?;
    context.read().ok().map(drop)
}

fn answer(request: &EisRequest, tell: &mpsc::Sender<String>) {
    let line = match request {
        EisRequest::Bind(bind) => {
            bind.seat
                .add_device(Some("Gamescope Virtual Input"), eis::device::DeviceType::Virtual, all(), |device| {
                    // gamescope's region is as large as numbers go, and its places are pixels.
                    device.device().region(0, 0, i32::MAX as u32, i32::MAX as u32, 1.0);
                })
                .resumed();
            return;
        }
        EisRequest::KeyboardKey(key) => format!("key {} {:?}", key.key, key.state),
        EisRequest::Button(button) => format!("button {:#x} {:?}", button.button, button.state),
        EisRequest::PointerMotion(motion) => format!("by {} {}", motion.dx, motion.dy),
        EisRequest::PointerMotionAbsolute(motion) => format!("to {} {}", motion.dx_absolute, motion.dy_absolute),
        EisRequest::ScrollDiscrete(scroll) => format!("wheel {} {}", scroll.discrete_dx, scroll.discrete_dy),
        _ => return,
    };
    let _ = tell.send(line);
}
