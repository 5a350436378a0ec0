/** Packets of 4096 B from one host to the other, straight from device to device: the least that ns-3 does for a packet. */
#include "line.h"

constexpr uint32_t PAYLOAD = 4096;
/** The devices pass it on and do not look: IPv4. */
constexpr uint16_t PROTOCOL = 0x0800;

int main(int argc, char* argv[]) {
  const uint32_t count = readCount(argc, argv);
  Line line;
  Arrivals arrivals;
  line.sink->SetReceiveCallback(
      [&arrivals](ns3::Ptr<ns3::NetDevice>, ns3::Ptr<const ns3::Packet>, uint16_t,
                  const ns3::Address&) {
        arrivals.add();
        return true;
      });
  const auto peer = line.source->GetBroadcast();
  PacedSender sender(count, PAYLOAD + LINK_HEADER, [&line, &peer] {
    line.source->Send(ns3::Create<ns3::Packet>(PAYLOAD), peer, PROTOCOL);
  });
  sender.burst();
  ns3::Simulator::Run();
  arrivals.report();
  ns3::Simulator::Destroy();
}
