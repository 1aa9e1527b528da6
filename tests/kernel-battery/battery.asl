// A battery, a charger and a power meter for Debian's own drivers (battery.ko, ac.ko, acpi_power_meter.ko), inside QEMU.
//
// The true power comes from the I/O ports 0xE0 to 0xE3 of QEMU's pc-testdev: bits 0 to 30 are milliwatts, bit 31 says that
// the charger is connected and the battery charges. Nothing written yet means 12 W.
DefinitionBlock ("", "SSDT", 2, "PKTWTT", "BATTERY", 0x00000001)
{
  Scope (\_SB)
  {
    OperationRegion (PORT, SystemIO, 0xE0, 0x04)
    Field (PORT, DWordAcc, NoLock, Preserve) { TRUE, 32 }

    Method (MWAT, 0, NotSerialized) {                // true power in mW
      Local0 = TRUE
      If (Local0 == 0) { Return (12000) }
      If (Local0 >= 0xFFFFFFF0) { Return (12000) }
      Return (Local0 & 0x7FFFFFFF)
    }
    Method (PLUG, 0, NotSerialized) {                // 1 with the charger connected
      Local0 = TRUE
      If (Local0 >= 0xFFFFFFF0) { Return (Zero) }
      Return ((Local0 >> 31) & 1)
    }

    Device (ADP1) {
      Name (_HID, "ACPI0003")
      Method (_PSR) { Return (PLUG ()) }
      Name (_PCL, Package () { \_SB })
    }

    Device (BAT0) {
      Name (_HID, EisaId ("PNP0C0A"))
      Name (_UID, 1)
      Name (_PCL, Package () { \_SB })
      Name (LAST, 0)                                 // Timer () of the last status, whole milliseconds in 100 ns
      Name (REST, 0)                                 // mW ms that do not make a mWh yet
      Name (USED, 0)                                 // mWh since the start
      Name (SEEN, 0)                                 // whether there was a status before
      Name (WAS, 0)                                  // power and charger since the last status
      Name (CHRG, 0)
      Name (STAT, Package () { 1, 12000, 40000, 11400 })
      Method (_STA) { Return (0x1F) }
      Method (_BIF) {                                // in mW and mWh; 50 Wh when full
        Return (Package () { 0, 57000, 50000, 1, 11400, 5000, 2500, 1, 1, "VIRTUAL", "0001", "LION", "QEMU" })
      }
      // Integrates the power that was set at the status before. The driver asks at most once a second, when it is read.
      // QEMU's tables make integers 32 bits wide: Timer () wraps after 429 s, and at 45 W a status is due every 90 s.
      Method (_BST, 0, Serialized) {
        Local0 = Timer ()
        If (SEEN == 0) { SEEN = 1 LAST = Local0 WAS = MWAT () CHRG = PLUG () }
        Divide (Local0 - LAST, 10000, Local1, Local2)
        LAST = Local0 - Local1
        REST += WAS * Local2
        Divide (REST, 3600000, REST, Local3)         // 1 mWh is 3.6e6 mW ms
        If (CHRG) { USED -= Local3 } Else { USED += Local3 }
        WAS = MWAT ()
        CHRG = PLUG ()
        STAT [0] = 1 + CHRG                          // 1 discharging, 2 charging
        STAT [1] = WAS
        STAT [2] = 40000 - USED
        Return (STAT)
      }
    }

    Device (PMTR) {
      Name (_HID, "ACPI000D")
      Name (_UID, 1)
      Method (_PMC) {                                // accuracy 95.000 %, an average over 1 s
        Return (Package () { 0x01, 0, 0, 95000, 1000, 1000, 100000, 0, 0, 0, 0, "VIRTUAL", "0001", "QEMU" })
      }
      Method (_PMM) { Return (MWAT ()) }
      Method (_GAI) { Return (1000) }
      Name (_PMD, Package () { \_SB })
    }
  }
}
