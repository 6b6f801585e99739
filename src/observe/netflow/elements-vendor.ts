/** Information elements of vendors, by their private enterprise number; written as in elements-iana.ts. */
export const VENDOR_ELEMENTS: Readonly<Record<number, string>> = {
  // Cisco
  9: `
8337 ciscoServerBytesNetwork ciscoClientBytesNetwork
9252 ciscoServicesWaasSegment ciscoServicesWaasPassthroughReason
9357 ciscoAppHTTPUriStatistics/s
12232 cisoAppCategoryName/s - ciscoAppGroupName/s ciscoAppHTTPHost/s ciscoClientIPv4Address/4 ciscoServerIPv4Address/4
12240 ciscoClientL4Port ciscoServerL4Port ciscoConnectionId - ciscoAppBusiness/s
`,
  // Nokia (Alcatel)
  637: `
91 natInsideSvcid natOutsideSvcid natSubString/s
`,
  // Ixia
  3054: `
110 ixiaL7AppId ixiaL7AppName/s
120 ixiaSrcCountryCode/s ixiaSrcCountryName/s ixiaSrcRegionCode/s ixiaSrcRegionName/s - ixiaSrcCityName/s
126 ixiaSrcLatitude/f ixiaSrcLongitude/f
140 ixiaDstCountryCode/s ixiaDstCountryName/s ixiaDstRegionCode/s ixiaDstRegionName/s - ixiaDstCityName/s
146 ixiaDstLatitude/f ixiaDstLongitude/f
160 ixiaDeviceId ixiaDeviceName/s ixiaBrowserId ixiaBrowserName/s
176 ixiaRevOctetDeltaCount ixiaRevPacketDeltaCount ixiaEncryptType/s ixiaEncryptCipher/s ixiaEncryptKeyLength
181 ixiaImsiSubscriber/s ixiaHttpUserAgent/s ixiaHttpHostName/s ixiaHttpUri/s ixiaDnsTxt/s ixiaSrcAsName/s
187 ixiaDstAsName/s ixiaLatency ixiaDnsQuery/s ixiaDnsAnswer/s ixiaDnsClasses/s ixiaThreatType/s ixiaThreatIPv4/4
194 ixiaThreatIPv6/6 ixiaHttpSession
`,
  // Citrix NetScaler AppFlow
  5951: `
128 netscalerRoundTripTime netscalerTransactionId netscalerHttpReqUrl/s netscalerHttpReqCookie/s netscalerFlowFlags
133 netscalerConnectionId netscalerSyslogPriority netscalerSyslogMessage/s netscalerSyslogTimestamp
140 netscalerHttpReqReferer/s netscalerHttpReqMethod/s netscalerHttpReqHost/s netscalerHttpReqUserAgent/s
144 netscalerHttpRspStatus netscalerHttpRspLen netscalerServerTTFB netscalerServerTTLB
150 netscalerAppNameIncarnationNumber netscalerAppNameAppId netscalerAppName/s netscalerHttpReqRcvFB
156 netscalerHttpReqForwFB netscalerHttpResRcvFB netscalerHttpResForwFB netscalerHttpReqRcvLB netscalerHttpReqForwLB
161 netscalerMainPageId netscalerMainPageCoreId netscalerHttpClientInteractionStartTime/s
164 netscalerHttpClientRenderEndTime/s netscalerHttpClientRenderStartTime/s - netscalerAppTemplateName/s
168 netscalerHttpClientInteractionEndTime/s netscalerHttpResRcvLB netscalerHttpResForwLB netscalerAppUnitNameAppId
172 netscalerDbLoginFlags netscalerDbReqType netscalerDbProtocolName netscalerDbUserName/s netscalerDbDatabaseName/s
177 netscalerDbCltHostName/s netscalerDbReqString/s netscalerDbRespStatusString/s netscalerDbRespStatus
181 netscalerDbRespLength netscalerClientRTT netscalerHttpContentType/s - netscalerHttpReqAuthorization/s
186 netscalerHttpReqVia/s netscalerHttpResLocation/s netscalerHttpResSetCookie/s netscalerHttpResSetCookie2/s
190 netscalerHttpReqXForwardedFor/s - netscalerConnectionChainID/o netscalerConnectionChainHopCount
200 netscalerICASessionGuid/o netscaleIcaClientVersion/s netscalerIcaClientType netscalerIcaClientIP/4
204 netscalerIcaClientHostName/s netscalerAaaUsername/s - netscalerIcaDomainName/s netscalerIcaClientLauncher
209 netscalerIcaSessionSetupTime netscalerIcaServerName/s
214 netscalerIcaSessionReconnects netscalerIcaRTT netscalerIcaClientsideRXBytes netscalerIcaClientsideTXBytes
219 netscalerIcaClientsidePacketsRetransmit netscalerIcaServersidePacketsRetransmit netscalerIcaClientsideRTT
222 netscalerIcaServersideRTT netscalerIcaSessionUpdateBeginSec netscalerIcaSessionUpdateEndSec netscalerIcaChannelId1
226 netscalerIcaChannelId1Bytes netscalerIcaChannelId2 netscalerIcaChannelId2Bytes netscalerIcaChannelId3
230 netscalerIcaChannelId3Bytes netscalerIcaChannelId4 netscalerIcaChannelId4Bytes netscalerIcaChannelId5
234 netscalerIcaChannelId5Bytes netscalerIcaConnectionPriority netscalerApplicationStartupDuration
237 netscalerIcaLaunchMechanism netscalerIcaApplicationName/s netscalerApplicationStartupTime
240 netscalerIcaApplicationTerminationType netscalerIcaApplicationTerminationTime netscalerIcaSessionEndTime
243 netscalerIcaClientsideJitter netscalerIcaServersideJitter netscalerIcaAppProcessID netscalerIcaAppModulePath/s
247 netscalerIcaDeviceSerialNo netscalerMsiClientCookie/o netscalerIcaFlags netscalerIcaUsername/s
251 netscalerLicenseType netscalerMaxLicenseCount netscalerCurrentLicenseConsumed netscalerIcaNetworkUpdateStartTime
255 netscalerIcaNetworkUpdateEndTime netscalerIcaClientsideSRTT netscalerIcaServersideSRTT netscalerIcaClientsideDelay
259 netscalerIcaServersideDelay netscalerIcaHostDelay netscalerIcaClientSideWindowSize netscalerIcaServerSideWindowSize
263 netscalerIcaClientSideRTOCount netscalerIcaServerSideRTOCount netscalerIcaL7ClientLatency
266 netscalerIcaL7ServerLatency netscalerHttpDomainName/s netscalerCacheRedirClientConnectionCoreID
269 netscalerCacheRedirClientConnectionTransactionID
`,
  // CERT: YAF
  6871: `
14 initialTCPFlags unionTCPFlags - - payload/s
21 reverseFlowDeltaMilliseconds
33 silkAppLabel - payloadEntropy osName/s osVersion/s firstPacketBanner/s secondPacketBanner/s flowAttributes
100 expiredFragmentCount assembledFragmentCount meanFlowRate meanPacketRate flowTableFlushEventCount flowTablePeakCount
107 osFingerPrint/s
126 tftpFilename/s tftpMode/s
174 dnsQueryResponse dnsQRType dnsAuthoritative dnsNXDomain dnsRRSection dnsQName/s dnsCName/s dnsMXPreference
182 dnsMXExchange/s dnsNSDName/s dnsPTRDName/s sslCipher/s sslClientVersion sslServerCipher sslCompressionMethod
189 sslCertVersion sslCertSignature/s
199 dnsTTL
208 dnsTXTData/s dnsSOASerial dnsSOARefresh dnsSOARetry dnsSOAExpire dnsSOAMinimum dnsSOAMName/s dnsSOARName/s
216 dnsSRVPriority dnsSRVWeight dnsSRVPort dnsSRVTarget
223 tcpUrgTotalCount
226 dnsID
244 sslCertSerialNumber/s sslObjectType/s sslObjectValue/s sslCertValidityNotBefore/s sslCertValidityNotAfter/s
249 sslPublicKeyAlgorithm/s sslPublicKeyLength/s
287 rtpPayloadType reverseRtpPayloadType mptcpInitialDataSequenceNumber mptcpReceiverToken mptcpMaximumSegmentSize
292 mptcpAddressID mptcpFlags sslServerName/s sslCertificateHash/s
500 smallPacketCount nonEmptyPacketCount dataByteCount averageInterarrivalTime standardDeviationInterarrivalTime
505 firstNonEmptyPacketSize maxPacketSize firstEightNonEmptyPacketDirections standardDeviationPayloadLength
510 largePacketCount
16398 reverseInitialTCPFlags reverseUnionTCPFlags
16402 reversePayload/s
16419 reversePayloadEntropy reverseOsName/s reverseOsVersion/s reverseFirstPacketBanner/s reverseSecondPacketBanner/s
16424 reverseFlowAttributes
16491 reverseOsFingerPrint/s
16671 reverseRtpPayloadType
16884 reverseSmallPacketCount reverseNonEmptyPacketCount reverseDataByteCount reverseAverageInterarrivalTime
16888 reverseStandardDeviationInterarrivalTime reverseFirstNonEmptyPacketSize reverseMaxPacketSize
16892 reverseStandardDeviationPayloadLength
16894 reverseLargePacketCount
`,
  // VMware vSphere Distributed Switch
  6876: `
880 vmwareTenantProtocol vmwareTenantSourceIPv4/4 vmwareTenantDestIPv4/4 vmwareTenantSourceIPv6/6 vmwareTenantDestIPv6/6
886 vmwareTenantSourcePort vmwareTenantDestPort vmwareEgressInterfaceAttr vmwareVxlanExportRole
890 vmwareIngressInterfaceAttr
`,
  // Barracuda NextGen firewall
  10704: `
1 Timestamp LogOp TrafficType FW_Rule/s ServiceName/s Reason ReasonText/s BindIPv4Address/4 BindTransportPort
10 ConnIPv4Address/4 ConnTransportPort AuditCounter
`,
  // Procera; which of 21, 22 and 26 is which is not published: samples have all three empty
  15397: `
1 proceraService/s proceraBaseService/s proceraIncomingOctets proceraOutgoingOctets proceraIncomingPackets
6 proceraOutgoingPackets
15 proceraFlowBehavior/s proceraContentCategories/s
21 proceraHttpUrl/s proceraHttpContentType/s
25 proceraHttpFileLength proceraHttpLocation/s
28 proceraSubscriberIdentifier/s
47 proceraTemplateName/s
`,
  // Viptela
  41916: `
4321 viptelaVPNId
`,
}

/** Elements of NetScaler without a published name: `netscalerUnknown…`; all others to 541 are numbers. */
export const NETSCALER_UNKNOWN = {
  first: 270,
  last: 541,
  texts: [316, 319, 333, 334, 349, 350, 351, 386, 387, 389, 475, 479],
  octets: [361, 363, 367, 383, 384, 385],
} as const
