# Sekisho client VPN (IKEv2) for Windows 10 and 11.
# Run it in PowerShell "as administrator". Running it again replaces what it made before. The password is asked for when
# connecting: it is not in here. Windows proves the person only: the machine is checked by the login page.
$ErrorActionPreference = 'Stop'

$name = 'Sekisho'
$server = 'vpn.center.example'

# The authority of the VPN server. Windows trusts a VPN server only through the machine's own store.
$authority = @'
-----BEGIN CERTIFICATE-----
MAMCAQUwAwIBBTADAgEFMAMCAQUwAwIBBTADAgEFMAMCAQUwAwIBBTADAgEF
MAMCAQU=
-----END CERTIFICATE-----
'@
$file = [System.IO.Path]::GetTempFileName()
try {
    Set-Content -Path $file -Value $authority -Encoding Ascii
    Import-Certificate -FilePath $file -CertStoreLocation 'Cert:\LocalMachine\Root' | Out-Null
} finally {
    Remove-Item -Path $file
}

# VPN-ID and VPN password by EAP-MSCHAPv2, never those of the Windows account.
$eap = [xml]@'
<EapHostConfig xmlns="http://www.microsoft.com/provisioning/EapHostConfig">
  <EapMethod>
    <Type xmlns="http://www.microsoft.com/provisioning/EapCommon">26</Type>
    <VendorId xmlns="http://www.microsoft.com/provisioning/EapCommon">0</VendorId>
    <VendorType xmlns="http://www.microsoft.com/provisioning/EapCommon">0</VendorType>
    <AuthorId xmlns="http://www.microsoft.com/provisioning/EapCommon">0</AuthorId>
  </EapMethod>
  <Config xmlns="http://www.microsoft.com/provisioning/EapHostConfig">
    <Eap xmlns="http://www.microsoft.com/provisioning/BaseEapConnectionPropertiesV1">
      <Type>26</Type>
      <EapType xmlns="http://www.microsoft.com/provisioning/MsChapV2ConnectionPropertiesV1">
        <UseWinLogonCredentials>false</UseWinLogonCredentials>
      </EapType>
    </Eap>
  </Config>
</EapHostConfig>
'@

if (Get-VpnConnection -Name $name -AllUserConnection -ErrorAction SilentlyContinue) {
    Remove-VpnConnection -Name $name -AllUserConnection -Force
}
$connection = @{
    Name                  = $name
    ServerAddress         = $server
    TunnelType            = 'Ikev2'
    AuthenticationMethod  = 'Eap'
    EapConfigXmlStream    = $eap
    EncryptionLevel       = 'Maximum'
    AllUserConnection     = $true
    RememberCredential    = $false
    Force                 = $true
}
Add-VpnConnection @connection

# The algorithms of today; without this Windows offers 1024-bit Diffie-Hellman, which the server refuses.
$algorithms = @{
    ConnectionName                   = $name
    AllUserConnection                = $true
    EncryptionMethod                 = 'GCMAES256'
    IntegrityCheckMethod             = 'SHA384'
    DHGroup                          = 'ECP384'
    CipherTransformConstants         = 'GCMAES256'
    AuthenticationTransformConstants = 'GCMAES256'
    PfsGroup                         = 'ECP384'
    Force                            = $true
}
Set-VpnConnectionIPsecConfiguration @algorithms

# Everything into the tunnel: no other Internet while connected.
Set-VpnConnection -Name $name -AllUserConnection -SplitTunneling $false -Force
if ((Get-VpnConnection -Name $name -AllUserConnection).SplitTunneling) {
    throw 'This machine would still reach the Internet beside the VPN: the connection is not set up as it must be.'
}

Write-Host "Done. Connect with: rasphone -d $name   User name: v7kq2m9xwc"
Write-Host 'Then open https://login.center.example/'
