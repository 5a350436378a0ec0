/** Datagrams of 64 B from socket to socket over UDP and IPv4; hosts without queueing disciplines, as pinwire's are. */
#include "line.h"

#include "ns3/internet-module.h"
#include "ns3/traffic-control-module.h"

constexpr uint32_t PAYLOAD = 64;
constexpr uint32_t UDP_AND_IPV4 = 28;
constexpr uint16_t PORT = 7;

int main(int argc, char* argv[]) {
  const uint32_t count = readCount(argc, argv);
  Line line;
  const ns3::NodeContainer hosts(line.nodes.Get(0), line.nodes.Get(2));
  ns3::InternetStackHelper stack;
  stack.SetIpv6StackInstall(false);
  stack.Install(hosts);
  ns3::NetDeviceContainer devices(line.source);
  devices.Add(line.sink);
  const auto interfaces = ns3::Ipv4AddressHelper("10.0.0.0", "255.255.255.0").Assign(devices);
  ns3::TrafficControlHelper().Uninstall(devices);

  Arrivals arrivals;
  const auto receiver = ns3::Socket::CreateSocket(hosts.Get(1), ns3::UdpSocketFactory::GetTypeId());
  receiver->Bind(ns3::InetSocketAddress(ns3::Ipv4Address::GetAny(), PORT));
  receiver->SetRecvCallback([&arrivals](ns3::Ptr<ns3::Socket> socket) {
    while (const auto packet = socket->Recv()) {
      if (packet->GetSize() == PAYLOAD) arrivals.add();
    }
  });
  const auto socket = ns3::Socket::CreateSocket(hosts.Get(0), ns3::UdpSocketFactory::GetTypeId());
  socket->Bind();
  socket->Connect(ns3::InetSocketAddress(interfaces.GetAddress(1), PORT));
  PacedSender sender(count, PAYLOAD + UDP_AND_IPV4 + LINK_HEADER,
                     [&socket] { socket->Send(ns3::Create<ns3::Packet>(PAYLOAD)); });
  ns3::Simulator::ScheduleNow([&sender] { sender.burst(); });
  ns3::Simulator::Run();
  arrivals.report();
  ns3::Simulator::Destroy();
}
