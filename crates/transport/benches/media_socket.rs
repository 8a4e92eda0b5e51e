//! One frame's worth of datagrams over loopback, each way of exchanging them with the kernel: what segmentation and
//! lists are worth over their plain twin.

use std::{
    hint::black_box,
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use punktfunk_transport::{MediaSocket, RecvBuffers, media::Offload};

const LOCALHOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// The payload of an Ethernet frame.
const SEGMENT: usize = 1_472;
/// 20 Mbit/s at 60 frames per second are 29 datagrams a frame.
const DATAGRAMS: usize = 29;

fn one_frame(c: &mut Criterion) {
    let mut group = c.benchmark_group("media_socket");
    group.throughput(Throughput::Bytes((DATAGRAMS * SEGMENT) as u64));
    let (bytes, mut buffers) = (vec![0; DATAGRAMS * SEGMENT], RecvBuffers::new());
    for offload in [Offload::Segmented, Offload::Listed, Offload::Plain] {
        let mut sender = MediaSocket::bind_with(LOCALHOST, 0, offload).expect("a free port");
        let mut receiver = MediaSocket::bind_with(LOCALHOST, 0, offload).expect("a free port");
        receiver.connect(sender.local_addr().expect("bound")).expect("loopback");
        sender.connect(receiver.local_addr().expect("bound")).expect("loopback");
        group.bench_function(format!("send_and_receive_{offload:?}"), |bencher| {
            bencher.iter(|| {
                let mut missing = sender.send_batch(black_box(&bytes), SEGMENT).expect("loopback").datagrams;
                while missing > 0 {
                    let received = receiver.recv_batch(&mut buffers, Duration::from_secs(1)).expect("loopback");
                    buffers.datagrams().for_each(|datagram| _ = black_box(datagram));
                    missing -= received.min(missing);
                }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, one_frame);
criterion_main!(benches);
