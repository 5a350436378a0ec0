/**
 * The line that both ns-3 programs measure: host, switch, host, on two links of 100 Gb/s and 500 ns. The switch is the
 * middle node, which hands every packet of one link to the other: no bridge, no table, no IP. A cheaper one is hard to find.
 */
#pragma once

#include "ns3/core-module.h"
#include "ns3/network-module.h"
#include "ns3/point-to-point-module.h"

#include <cstdint>
#include <cstdio>

constexpr int64_t PICOSECONDS_PER_BYTE = 80;
/** PPP: what a link carries beside the packet. */
constexpr uint32_t LINK_HEADER = 2;
/** Packets that one event sends: cheaper for ns-3 than an event for each. */
constexpr uint32_t BURST = 16;

struct Line {
  Line() {
    nodes.Create(3);
    ns3::PointToPointHelper link;
    link.SetDeviceAttribute("DataRate", ns3::StringValue("100Gbps"));
    link.SetDeviceAttribute("Mtu", ns3::UintegerValue(9000));
    link.SetChannelAttribute("Delay", ns3::StringValue("500ns"));
    const auto left = link.Install(nodes.Get(0), nodes.Get(1));
    const auto right = link.Install(nodes.Get(1), nodes.Get(2));
    source = left.Get(0);
    sink = right.Get(1);
    forward(left.Get(1), right.Get(0));
    forward(right.Get(0), left.Get(1));
  }

  ns3::NodeContainer nodes;
  ns3::Ptr<ns3::NetDevice> source;
  ns3::Ptr<ns3::NetDevice> sink;

private:
  static void forward(ns3::Ptr<ns3::NetDevice> from, ns3::Ptr<ns3::NetDevice> to) {
    from->SetReceiveCallback([to](ns3::Ptr<ns3::NetDevice>, ns3::Ptr<const ns3::Packet> packet,
                                  uint16_t protocol, const ns3::Address&) {
      return to->Send(packet->Copy(), to->GetBroadcast(), protocol);
    });
  }
};

/** Calls `send` `count` times at the pace of the wire, BURST calls an event. */
template <typename Send>
class PacedSender {
public:
  PacedSender(uint32_t count, uint32_t bytesOnWire, Send send)
      : left(count),
        interval(ns3::PicoSeconds(PICOSECONDS_PER_BYTE * bytesOnWire * BURST)),
        send(send) {}

  void burst() {
    for (uint32_t i = 0; i < BURST && left > 0; i++, left--) send();
    if (left > 0) ns3::Simulator::Schedule(interval, &PacedSender::burst, this);
  }

private:
  uint32_t left;
  const ns3::Time interval;
  Send send;
};

/** What arrived, and when the last of it did. */
struct Arrivals {
  uint32_t count = 0;
  ns3::Time last;

  void add() {
    count++;
    last = ns3::Simulator::Now();
  }

  /** The line that the bench checks. */
  void report() const {
    std::printf("{\"done\":%u,\"simulated_ns\":%.3f}\n", count, last.GetPicoSeconds() / 1e3);
  }
};

/** Reads `--count` and sets the scheduler and the clock; to be called before anything is built. */
inline uint32_t readCount(int argc, char* argv[]) {
  uint32_t count = BURST;
  std::string scheduler = "ns3::MapScheduler";
  ns3::CommandLine options;
  options.AddValue("count", "packets to send", count);
  options.AddValue("scheduler", "ns-3's event queue", scheduler);
  options.Parse(argc, argv);
  ns3::Simulator::SetScheduler(ns3::ObjectFactory(scheduler));
  ns3::Time::SetResolution(ns3::Time::PS);
  return count;
}
