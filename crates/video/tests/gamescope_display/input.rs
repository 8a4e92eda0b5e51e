//! gamescope's input server, which writes down what it gets; and what becomes of a client's input.

use std::{
    os::unix::net::{UnixListener, UnixStream},
    sync::mpsc,
};

use punktfunk_proto::input::SeatEvent;
use reis::{
    PendingRequestResult, eis,
    handshake::EisHandshaker,
    request::{DeviceCapability, EisRequest, EisRequestConverter},
};
use rustix::event::{PollFd, PollFlags, poll};

use crate::stand_in::{PATIENCE, StandIn};

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
            bind.seat.add_device(Some("Gamescope Virtual Input"), eis::device::DeviceType::Virtual, all(), |device| {
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

#[test]
fn input_arrives_as_it_was_typed_and_what_gamescope_cannot_take_is_left_out() {
    let screen = StandIn::new().open("1280x720@60", "exec sleep 1000").unwrap();
    let events = [
        SeatEvent::Key { code: 30, pressed: true },
        SeatEvent::Key { code: 30, pressed: false },
        SeatEvent::Text('ß'),
        SeatEvent::PointerTo { x: 0.25, y: 1.0 },
        SeatEvent::PointerTo { x: f64::NAN, y: 0.0 },
        SeatEvent::PointerBy { dx: -2.5, dy: 4.0 },
        SeatEvent::Button { code: 0x110, pressed: true },
        SeatEvent::Button { code: 0x110, pressed: false },
        SeatEvent::Key { code: 0x300, pressed: true },
        SeatEvent::Scroll { vertical: -120, horizontal: 30 },
    ];
    for event in events {
        screen.output.controls.input(event);
    }
    let typed: Vec<String> = (0..7).map(|_| screen.typed.recv_timeout(PATIENCE).unwrap()).collect();
    let expected = [
        "key 30 Press",
        "key 30 Released",
        "to 320 719",
        "by -2.5 4",
        "button 0x110 Press",
        "button 0x110 Released",
        "wheel 30 -120",
    ];
    assert_eq!(typed, expected);
}

#[test]
fn more_input_than_a_socket_holds_arrives_in_order() {
    let screen = StandIn::new().open("640x480@60", "exec sleep 1000").unwrap();
    for step in 0..2_000 {
        screen.output.controls.input(SeatEvent::PointerBy { dx: f64::from(step), dy: 0.0 });
    }
    for step in 0..2_000 {
        assert_eq!(screen.typed.recv_timeout(PATIENCE).unwrap(), format!("by {step} 0"));
    }
}
