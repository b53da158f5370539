// Two structures of a supplier, one inside the other, as a nodeset: what foreign_plc.mjs loads.
function structure(number, name, fields) {
  const binary = number + 1000;
  return `
  <UADataType NodeId="ns=1;i=${number}" BrowseName="1:${name}">
    <DisplayName>${name}</DisplayName>
    <References>
      <Reference ReferenceType="i=45" IsForward="false">i=22</Reference>
      <Reference ReferenceType="i=38">ns=1;i=${binary}</Reference>
    </References>
    <Definition Name="1:${name}">${fields}</Definition>
  </UADataType>
  <UAObject NodeId="ns=1;i=${binary}" BrowseName="Default Binary" SymbolicName="DefaultBinary">
    <DisplayName>Default Binary</DisplayName>
    <References>
      <Reference ReferenceType="i=38" IsForward="false">ns=1;i=${number}</Reference>
      <Reference ReferenceType="i=40">i=76</Reference>
    </References>
  </UAObject>`;
}

export const TYPES = "urn:zulieferer:typen";
export const NODESET = `<?xml version="1.0" encoding="utf-8"?>
<UANodeSet xmlns="http://opcfoundation.org/UA/2011/03/UANodeSet.xsd">
  <NamespaceUris><Uri>${TYPES}</Uri></NamespaceUris>
  <Models><Model ModelUri="${TYPES}" Version="1.0.0" PublicationDate="2026-01-01T00:00:00Z"/></Models>
  <Aliases/>
  ${structure(3001, "ST_Achse", `
      <Field Name="wZustand" DataType="i=5"/>
      <Field Name="fPosition" DataType="i=11"/>`)}
  ${structure(3002, "ST_Presse", `
      <Field Name="sName" DataType="i=12"/>
      <Field Name="nHuebe" DataType="i=7"/>
      <Field Name="Achsen" DataType="ns=1;i=3001" ValueRank="1"/>
      <Field Name="bLäuft" DataType="i=1"/>`)}
</UANodeSet>
`;
